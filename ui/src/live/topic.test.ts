import { describe, expect, test } from 'vitest';
import type { EventsFrame, RunDetail, StageView } from '../api/types';
import { placeOf } from './carrier';
import { ask, begin, isTold, names, step, type Frame, type Topic } from './topic';

const stage = (name: string, status: string, instance?: number): StageView =>
  ({ name, stage: name.replace(/\[.*/, ''), instance: instance ?? null, status, attempts: [], outputs: {}, depends_on: [] }) as unknown as StageView;

const runAt = (sequence: number): RunDetail => ({ id: '01', name: 'a#1', status: 'running', sequence, stages: [stage('plan', 'running'), stage('ship', 'blocked')] }) as unknown as RunDetail;

const snapshot = (seq: number, value: unknown = runAt(seq), t = 'run:01'): Frame => ({ t, epoch: 's-1', seq, snapshot: value }) as Frame;

function events(seq: number, count: number, more: Partial<EventsFrame> = {}): Frame {
  const ev = Array.from({ length: count }, () => ({ k: 'x', v: {} }));
  return { t: 'run:01', seq, ev, run: { status: 'running' }, stages: [stage('plan', 'succeeded')], ...more } as unknown as Frame;
}

const after = (...frames: Frame[]): Topic => frames.reduce((topic, frame) => step(topic, frame).topic, begin('run:01'));

describe('a topic', () => {
  test('asks for a snapshot first, and from its last number later', () => {
    expect(ask(begin('runs'))).toEqual({ topic: 'runs' });
    expect(ask(after(snapshot(7)))).toEqual({ topic: 'run:01', epoch: 's-1', after: 7 });
  });

  test('applies what follows', () => {
    const topic = after(snapshot(7), events(9, 2));
    expect(topic.seq).toBe(9);
    expect((topic.value as RunDetail).stages[0]?.status).toBe('succeeded');
    expect((topic.value as RunDetail).sequence).toBe(9);
  });

  test('takes only what is new of a frame that it knows in part', () => {
    expect(after(snapshot(7), events(9, 4)).seq).toBe(9);
    const known = step(after(snapshot(9)), events(9, 2));
    expect(known.changed).toBe(false);
    expect(known.ask).toBe(false);
  });

  test('asks again where something is missing, and changes nothing', () => {
    const before = after(snapshot(7));
    const missed = step(before, events(12, 2));
    expect(missed.ask).toBe(true);
    expect(missed.topic).toBe(before);
    expect(step(before, events(5, 1)).ask).toBe(true);
  });

  test('is void after a gap, keeps what it shows, and takes nothing but a snapshot', () => {
    const gone = step(after(snapshot(7)), { t: 'run:01', gap: true });
    expect(gone.topic.phase).toBe('void');
    expect(gone.topic.value).toBeDefined();
    expect(ask(gone.topic)).toEqual({ topic: 'run:01' });
    const early = step(gone.topic, events(8, 1));
    expect(early.topic.phase).toBe('void');
    expect(early.ask).toBe(false);
    expect(step(gone.topic, snapshot(20)).topic).toMatchObject({ phase: 'live', seq: 20 });
  });

  test('takes numbers of another epoch for another count', () => {
    const other = step(after(snapshot(7)), events(9, 2, { epoch: 's-2' }));
    expect(other.topic).toMatchObject({ phase: 'void', seq: undefined });
    expect(other.ask).toBe(true);
  });

  test('stands where a question can go on from', () => {
    expect(placeOf(ask(after(snapshot(7))), undefined)).toBe('s-1:7');
    expect(placeOf({ topic: 'runs' }, 's-1')).toBe('-');
    expect(placeOf({ topic: 'log:01/plan/1', after: 44 }, 's-1')).toBe('s-1:44');
    expect(placeOf({ topic: 'log:01/plan/1', after: 44 }, undefined)).toBe('-');
  });

  test('says why there is nothing', () => {
    const failed = step(begin('run:x'), { err: { code: 'E0404', t: 'run:x', says: 'there is no run `x`' } });
    expect(failed.topic).toMatchObject({ phase: 'failed', failure: { code: 'E0404' } });
  });

  test('is found by the name it was asked as, and by the one the server has', () => {
    expect(names({ t: 'run:01', as: 'run:a~1', epoch: 's', seq: 1, snapshot: {} } as Frame)).toEqual(['run:a~1', 'run:01']);
    expect(names({ ping: true })).toEqual([]);
    const named = step(begin('run:a~1'), snapshot(3)).topic;
    expect(named).toMatchObject({ name: 'run:a~1', t: 'run:01' });
  });

  test('hands on pieces of a log once each', () => {
    const piece = (off: number, end: number): Frame => ({ t: 'log:01/plan/1', off, bytes: 'x'.repeat(end - off), end }) as Frame;
    const first = step({ ...begin('log:01/plan/1'), seq: 10 }, piece(10, 14));
    expect(first.piece).toBeDefined();
    expect(first.topic.seq).toBe(14);
    expect(step(first.topic, piece(10, 14)).piece).toBeUndefined();
    expect(step(first.topic, piece(20, 30)).topic.seq).toBe(30);
    expect(isTold(first.topic)).toBe(false);
    expect(isTold(step(first.topic, { ...piece(14, 20), ended: true } as Frame).topic)).toBe(true);
    expect(isTold(step(first.topic, snapshot(14, { stage: 'plan', attempt: 1, total: 14, ended: true }, 'log:01/plan/1')).topic)).toBe(true);
  });
});

describe('a talk', () => {
  const told = (seq: number, count: number): Frame => ({ t: 'talk:01/plan', seq, ev: Array.from({ length: count }, () => ({ k: 'talk', v: {} })) }) as unknown as Frame;
  const from = { ...begin('talk:01/plan'), seq: 3 };

  test('is handed on once, whatever was said before', () => {
    const first = step(from, told(5, 2));
    expect(first.piece).toMatchObject({ seq: 5 });
    expect(step(first.topic, told(5, 2)).piece).toBeUndefined();
    expect(step(first.topic, told(9, 1))).toMatchObject({ ask: false, piece: { seq: 9 }, topic: { seq: 9 } });
  });

  test('goes on after a gap with how far it is', () => {
    const gone = step(from, { t: 'talk:01/plan', gap: true }).topic;
    expect(ask(gone)).toEqual({ topic: 'talk:01/plan' });
    expect(step(gone, snapshot(20, { stage: 'plan', total: 20 }, 'talk:01/plan')).piece).toMatchObject({ seq: 20 });
  });
});

describe('a run', () => {
  test('takes a new instance behind those of its stage', () => {
    const known = snapshot(1, { ...runAt(1), stages: [stage('a', 'running'), stage('a[1]', 'running', 1), stage('b', 'blocked')] });
    const topic = after(known, events(2, 1, { stages: [stage('a[2]', 'queued', 2)] }));
    expect((topic.value as RunDetail).stages.map((one) => one.name)).toEqual(['a', 'a[1]', 'a[2]', 'b']);
  });

  test('takes a whole list as it is', () => {
    const topic = after(snapshot(1), events(2, 1, { stages: [stage('only', 'running')], all: true }));
    expect((topic.value as RunDetail).stages.map((one) => one.name)).toEqual(['only']);
  });
});

describe('a list', () => {
  const list = (...ids: string[]) => snapshot(0, { runs: ids.map((id) => ({ id })) }, 'runs');
  const told = (seq: number, ...ev: unknown[]): Frame => ({ t: 'runs', seq, ev }) as unknown as Frame;
  const ids = (topic: Topic) => (topic.value as { runs: { id: string; status?: string }[] }).runs.map((run) => run.id + (run.status ?? ''));

  test('changes, gains and loses its things', () => {
    const topic = after(list('a', 'b'), told(3, { k: 'run', id: 'b', v: { id: 'b', status: '!' } }, { k: 'run', id: 'c', v: { id: 'c' } }, { k: 'run', id: 'a', v: null }));
    expect(ids(topic)).toEqual(['c', 'b!']);
  });

  test('of what waits for people, what was decided is gone', () => {
    const inbox = snapshot(0, { approvals: [{ id: 'A-1', status: 'pending' }, { id: 'A-2', status: 'pending' }], inputs: [{ id: 'I-1', status: 'open' }] }, 'inbox');
    const told = (seq: number, ...ev: unknown[]): Frame => ({ t: 'inbox', seq, ev }) as unknown as Frame;
    const topic = after(inbox, told(3, { k: 'approval', id: 'A-1', v: { id: 'A-1', status: 'approved' } }, { k: 'input', id: 'I-1', v: { id: 'I-1', status: 'submitted' } }, { k: 'approval', id: 'A-3', v: { id: 'A-3', status: 'pending' } }));
    expect(topic.value).toEqual({ approvals: [{ id: 'A-2', status: 'pending' }, { id: 'A-3', status: 'pending' }], inputs: [] });
  });

  test('applies only the entries that are new to it', () => {
    const topic = after(list('a'), told(1, { k: 'run', id: 'b', v: { id: 'b' } }));
    const again = step(topic, told(2, { k: 'run', id: 'b', v: { id: 'b' } }, { k: 'run', id: 'c', v: { id: 'c' } })).topic;
    expect(ids(again)).toEqual(['c', 'b', 'a']);
  });

  test('of nothing but a number and slots is the fleet', () => {
    const fleet = after(snapshot(0, { slots: { used: 0 }, problem: '' }, 'fleet'), { t: 'fleet', seq: 1, ev: [{ k: 'fleet', v: { slots: { used: 2 }, problem: '' } }] } as unknown as Frame);
    expect(fleet.value).toEqual({ slots: { used: 2 }, problem: '' });
  });
});
