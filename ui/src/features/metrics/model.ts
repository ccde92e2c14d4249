/** Runs as figures over days. Pure. */
import type { RunSummary } from '../../api/types';
import { isOver } from '../../components/status';

export interface Day {
  day: string;
  succeeded: number;
  failed: number;
  cancelled: number;
}

/** The last `count` days up to `now`, also those without runs. */
export function days(runs: readonly RunSummary[], now: number, count: number): Day[] {
  const found = new Map<string, Day>();
  for (let back = count - 1; back >= 0; back -= 1) {
    const day = new Date(now - back * 86_400_000).toISOString().slice(0, 10);
    found.set(day, { day, succeeded: 0, failed: 0, cancelled: 0 });
  }
  for (const run of runs) {
    const day = found.get((run.finished_at ?? '').slice(0, 10));
    if (day && isOver(run.status)) day[run.status as 'succeeded' | 'failed' | 'cancelled'] += 1;
  }
  return [...found.values()];
}

export interface Figures {
  ended: number;
  pass: number | undefined;
  took: number[];
  waits: number[];
}

export function figures(runs: readonly RunSummary[]): Figures {
  const ended = runs.filter((run) => isOver(run.status));
  const between = (from: string | null | undefined, to: string | null | undefined) => (from && to ? [Date.parse(to) - Date.parse(from)] : []);
  return {
    ended: ended.length,
    pass: ended.length === 0 ? undefined : ended.filter((run) => run.status === 'succeeded').length / ended.length,
    took: ended.flatMap((run) => between(run.started_at, run.finished_at)).sort((a, b) => a - b),
    waits: runs.flatMap((run) => between(run.created_at, run.started_at)).sort((a, b) => a - b),
  };
}

export const part = (sorted: readonly number[], share: number): number | undefined => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
