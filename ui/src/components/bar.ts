/** A run's progress as parts of a bar. Pure. */
import type { Progress } from '../api/types';

export interface Piece {
  hue: string;
  share: number;
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
