import { describe, expect, test } from 'vitest';
import type { QueuedAttempt, WorkerView } from '../../api/types';
import { fleetSays, queuedSays, roomOf } from '../../components/room';
import { actsOf, heard, inOrder, leaseLeft, missingLabels, reasonsOf } from './model';

const NOW = Date.parse('2026-11-21T22:00:00Z');
const at = (ms: number) => new Date(NOW + ms).toISOString();

const worker = (name: string, state = 'online', more: Partial<WorkerView> = {}): WorkerView => ({
  name,
  state,
  labels: [],
  slots: 2,
  used: 1,
  version: '1',
  host: 'h',
  platform: 'linux x86_64',
  cpus: 2,
  memory_bytes: 1,
  since: at(-60_000),
  heard_at: at(-2000),
  lease_until: at(8000),
  attempts: [],
  ...more,
});

const queued = (stage: string, why: string, more: Partial<QueuedAttempt> = {}): QueuedAttempt => ({ run: '01', run_name: 'a#1', stage, attempt: 1, since: at(-1000), runs_on: [], role: null, why, ...more });

const GPU = 'needs label gpu; 0 of 3 workers have it';

describe('the fleet in a line', () => {
  test('counts who is there, and says why something waits', () => {
    const workers = [worker('local', 'online', { slots: 4, used: 2 }), worker('b'), worker('c', 'draining', { slots: 2, used: 2 }), worker('d', 'lost', { slots: 9 })];
    expect(fleetSays(workers, [queued('train', GPU)])).toBe('3 workers, 5/8 slots, 1 queued (needs label gpu)');
    expect(fleetSays([worker('local')], [])).toBe('1 worker, 1/2 slots, nothing queued');
    expect(roomOf(workers, []).workers).toBe(3);
  });
  test('names one reason and counts the others', () => {
    expect(queuedSays([queued('a', GPU), queued('b', GPU)])).toBe('2 queued (needs label gpu)');
    expect(queuedSays([queued('a', GPU), queued('b', 'every slot is in use')])).toBe('2 queued (needs label gpu, and 1 other reason)');
    expect(queuedSays([queued('a', '')])).toBe('1 queued');
    expect(queuedSays([queued('a', 'all 6 slots of the server are taken (`--slots`)')])).toBe('1 queued (all 6 slots of the server are taken)');
  });
});

describe('a worker', () => {
  test('is heard by the time of the server', () => {
    expect(heard(worker('a'), NOW)).toBe('2s ago');
    expect(heard(worker('a', 'online', { heard_at: at(300) }), NOW)).toBe('just now');
    expect(heard(worker('local', 'online', { heard_at: null }), NOW)).toBe('here');
    expect(leaseLeft(worker('a'), NOW)).toBe(8000);
    expect(leaseLeft(worker('a', 'online', { lease_until: at(-5) }), NOW)).toBe(0);
    expect(leaseLeft(worker('a', 'lost', { lease_until: null }), NOW)).toBeUndefined();
  });
  test('stands where one looks for it', () => {
    const all = [worker('z', 'drained'), worker('b', 'lost'), worker('c'), worker('local')];
    expect(inOrder(all).map((one) => one.name)).toEqual(['local', 'c', 'b', 'z']);
  });
  test('can be drained, be taken back, and be forgotten when it is gone', () => {
    expect(['online', 'draining', 'drained', 'lost'].map((state) => actsOf(worker('a', state)))).toEqual([['drain'], ['resume'], ['resume', 'forget'], ['forget']]);
    expect(actsOf(worker('local'))).toEqual([]);
  });
});

describe('the queue', () => {
  test('is told by its reasons, the most frequent first', () => {
    const queue = [queued('a', 'every slot is in use'), queued('b', GPU, { since: at(-9000) }), queued('c', GPU, { since: at(-3000) })];
    expect(reasonsOf(queue)).toEqual([
      { why: GPU, number: 2, since: at(-9000) },
      { why: 'every slot is in use', number: 1, since: at(-1000) },
    ]);
  });
  test('names the labels that nobody has who is there', () => {
    const queue = [queued('a', 'busy'), queued('b', GPU, { runs_on: ['gpu'] })];
    expect(missingLabels(queue, [worker('a', 'lost', { labels: ['gpu'] })])).toEqual(['gpu']);
    expect(missingLabels(queue, [worker('a', 'online', { labels: ['gpu', 'big'] })])).toEqual([]);
  });
});
