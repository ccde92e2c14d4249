/** The list of runs: what is asked of the server, and how what comes live joins it. Pure. */
import type { RunSummary } from '../../api/types';
import { fits, type Filter } from '../../components/filter';

/** What the server can filter by itself. */
export function asked(filter: Filter): { pipeline?: string; status?: string; task?: string } {
  const { pipeline, status, task } = filter.keys;
  return {
    ...(pipeline?.[0] ? { pipeline: pipeline[0] } : {}),
    ...(status && status.length > 0 ? { status: status.join(',') } : {}),
    ...(task?.[0] ? { task: task[0] } : {}),
  };
}

export function isMeant(filter: Filter, run: RunSummary): boolean {
  const { pipeline, status, by, task, name, trigger } = run;
  return fits(filter, { pipeline, status, by, task: task ?? '', name, trigger });
}

export interface Rows {
  rows: RunSummary[];
  /** Came after the page was asked for. */
  fresh: number;
}

/** When the newest of them was created. */
export const newestOf = (runs: readonly RunSummary[]): string => runs.reduce((newest, run) => (run.created_at > newest ? run.created_at : newest), '');

/**
 * Pages as they were asked for, with each run as it is now, and behind `fresh` those that began since.
 * `held`: the list does not move by itself. `since`: what is newer has begun since; by itself it is what is
 * newer than the pages, which are sorted by that.
 */
export function joined(pages: readonly RunSummary[], live: readonly RunSummary[], filter: Filter, held: boolean, since?: string): Rows {
  const now = new Map(live.map((run) => [run.id, run]));
  const known = new Set(pages.map((run) => run.id));
  const newest = since ?? newestOf(pages);
  const begun = live.filter((run) => !known.has(run.id) && run.created_at >= newest && isMeant(filter, run));
  begun.sort((a, b) => b.created_at.localeCompare(a.created_at));
  const rows = pages.map((run) => now.get(run.id) ?? run).filter((run) => isMeant(filter, run));
  return held ? { rows, fresh: begun.length } : { rows: [...begun, ...rows], fresh: 0 };
}
