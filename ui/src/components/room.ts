/** What room for work there is, in words. Pure. */
import type { QueuedAttempt, WorkerView } from '../api/types';
import { count } from './text';

export const isThere = (worker: WorkerView): boolean => worker.state === 'online' || worker.state === 'draining';

export interface Room {
  /** That are there. */
  workers: number;
  used: number;
  total: number;
  queued: number;
}

/** Over all workers that are there. */
export function roomOf(workers: readonly WorkerView[], queue: readonly QueuedAttempt[]): Room {
  const there = workers.filter(isThere);
  const sum = (of: (worker: WorkerView) => number) => there.reduce((all, worker) => all + of(worker), 0);
  return { workers: there.length, used: sum((one) => one.used), total: sum((one) => one.slots), queued: queue.length };
}

/** The short reason of `needs label gpu; 0 of 3 workers have it`. */
export const shortWhy = (why: string): string => (why.split(';')[0] ?? why).replace(/\s*\([^)]*\)\s*$/, '').replaceAll('`', '').trim();

/** `1 queued (needs label gpu)`: why, and how many other reasons there are. */
export function queuedSays(queue: readonly QueuedAttempt[]): string {
  if (queue.length === 0) return 'nothing queued';
  const reasons = [...new Set(queue.map((one) => shortWhy(one.why)))].filter(Boolean);
  const [first] = reasons;
  if (first === undefined) return `${queue.length} queued`;
  const others = reasons.length === 1 ? '' : `, and ${count(reasons.length - 1, 'other reason')}`;
  return `${queue.length} queued (${first}${others})`;
}

/** `3 workers, 5/8 slots, 1 queued (needs label gpu)` */
export function fleetSays(workers: readonly WorkerView[], queue: readonly QueuedAttempt[]): string {
  const room = roomOf(workers, queue);
  return `${count(room.workers, 'worker')}, ${room.used}/${room.total} slots, ${queuedSays(queue)}`;
}
