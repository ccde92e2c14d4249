/** Workers and what waits for them. Pure. */
import type { QueuedAttempt, WorkerAttempt, WorkerView } from '../../api/types';
import { isThere } from '../../components/room';
import { age } from '../../components/text';

/** What a worker is started with that has these labels. */
export const startCommand = (labels: readonly string[] = ['gpu']): string => `orchestrate worker --labels ${labels.join(',')}`;

/** Those that are there first, the server's own hands before all; then by name. */
export function inOrder(workers: readonly WorkerView[]): WorkerView[] {
  const rank = (worker: WorkerView) => (isThere(worker) ? 0 : worker.state === 'lost' ? 1 : 2);
  return [...workers].sort((a, b) => rank(a) - rank(b) || Number(b.name === 'local') - Number(a.name === 'local') || a.name.localeCompare(b.name));
}

/** `2s ago`, by the server's time; the server's own hands are here. */
export function heard(worker: WorkerView, now: number): string {
  if (!worker.heard_at) return 'here';
  const gone = Math.max(0, now - Date.parse(worker.heard_at));
  return gone < 1000 ? 'just now' : `${age(gone)} ago`;
}

/** Milliseconds for which it still counts as there; nothing when it needs no lease, or is not there. */
export function leaseLeft(worker: WorkerView, now: number): number | undefined {
  return worker.lease_until ? Math.max(0, Date.parse(worker.lease_until) - now) : undefined;
}

export type WorkerAct = 'drain' | 'resume' | 'forget';

/** What can be done with it: who is gone may be forgotten; the server's own hands stay as long as it does. */
export function actsOf(worker: WorkerView): WorkerAct[] {
  if (worker.name === LOCAL) return [];
  switch (worker.state) {
    case 'online':
      return ['drain'];
    case 'draining':
      return ['resume'];
    case 'drained':
      return ['resume', 'forget'];
    case 'lost':
      return ['forget'];
    default:
      return [];
  }
}

/** The server's own hands. */
export const LOCAL = 'local';

export interface Reason {
  why: string;
  number: number;
  /** Of the one that waits longest. */
  since: string;
}

/** What is waited for, by how many wait for the same. */
export function reasonsOf(queue: readonly QueuedAttempt[]): Reason[] {
  const found = new Map<string, Reason>();
  for (const { why, since } of queue) {
    const known = found.get(why);
    if (known) found.set(why, { why, number: known.number + 1, since: known.since < since ? known.since : since });
    else found.set(why, { why, number: 1, since });
  }
  return [...found.values()].sort((a, b) => b.number - a.number || a.since.localeCompare(b.since));
}

/** Labels that something waits for and that no worker has which is there; of the first that waits for any. */
export function missingLabels(queue: readonly QueuedAttempt[], workers: readonly WorkerView[]): string[] {
  const there = workers.filter(isThere);
  const wanted = queue.find((one) => one.runs_on.length > 0 && !there.some((worker) => one.runs_on.every((label) => worker.labels.includes(label))));
  return wanted?.runs_on ?? [];
}

export const attemptKey = ({ run, stage, attempt }: WorkerAttempt | QueuedAttempt): string => `${run}/${stage}/${attempt}`;
