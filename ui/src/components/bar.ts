/** A run's progress as parts of a bar. Pure. */
import type { Progress } from '../api/types';

export interface Piece {
  hue: string;
  share: number;
}

/** `5 of 6`: its stages, as the command line counts them; instances are counted where nothing else is known. */
export function counted({ stages = 0, stages_settled: settled = 0, ...of }: Progress): { settled: number; total: number } {
  return stages > 0 ? { settled, total: stages } : { settled: of.settled, total: of.total };
}

/** A run's stages and their instances as parts of a bar. */
export function bar(progress: Progress): Piece[] {
  const { total, succeeded, failed, running, waiting, skipped, not_run, cancelled, would_have: would = 0 } = progress;
  if (total === 0) return [];
  const pieces: [string, number][] = [
    ['success', succeeded],
    ['failed', failed],
    ['running', running],
    ['attention', waiting],
    ['would', would],
    ['neutral', skipped + not_run + cancelled],
  ];
  return pieces.filter(([, count]) => count > 0).map(([hue, count]) => ({ hue, share: count / total }));
}
