import { describe, expect, test } from 'vitest';
import type { RunDetail, StageView } from '../../api/types';
import { parseFilter } from '../../components/filter';
import { leftOf, runsBefore, sameIn } from './artifacts.model';
import { isMeant, joined } from './list.model';
import { overwritten, plain, spans } from './log/ansi';
import { BLOCK, lineAtScroll, LogText, scrollOfLine } from './log/text';
import { actionsOf, causeOf, rollbackTargets, spoken, stageByName, treeOf } from './model';
import { scaleOf, ticksOf, timelineOf } from './timeline.model';

const at = (ms: number) => new Date(1_790_000_000_000 + ms).toISOString();

function stage(name: string, status: string, more: Partial<StageView> = {}): StageView {
  const found = /^(.*)\[(\d+)\]$/.exec(name);
  return { name, stage: found?.[1] ?? name, instance: found ? Number(found[2]) : null, status, detail: '', attempts: [], outputs: {}, depends_on: [], max_attempts: 3, reason: null, ...more } as StageView;
}

function run(status: string, stages: StageView[], more: Partial<RunDetail> = {}): RunDetail {
  return { id: '01', name: 'a#1', status, stages, created_at: at(0), started_at: at(0), sequence: 9, ...more } as RunDetail;
}

const attempt = (number: number, from: number, to: number | undefined, status = 'succeeded') =>
  ({ number, status, detail: '', scheduled_at: at(from - 50), started_at: at(from), finished_at: to === undefined ? null : at(to) }) as StageView['attempts'][number];

describe('the cause', () => {
  test('is what failed first, by its instance, with all that did not run', () => {
    const failed = run('failed', [
      stage('plan', 'succeeded'),
      stage('implement', 'failed', { finished_at: at(50) }),
      stage('implement[2]', 'failed', { finished_at: at(40), detail: 'exit 101', attempts: [{ ...attempt(1, 10, 40, 'failed'), tail: 'error' }] }),
      stage('late', 'failed', { finished_at: at(60), detail: 'exit 1', attempts: [attempt(1, 10, 60, 'failed')] }),
      stage('review', 'not_run'),
    ]);
    expect(causeOf(failed)).toMatchObject({ stage: { name: 'implement[2]' }, message: 'exit 101', tail: 'error', notRun: ['review'] });
    expect(causeOf(run('succeeded', [stage('plan', 'succeeded')]))).toBeUndefined();
  });
});

describe('stages', () => {
  test('stand as a tree and are spoken as the contract has it', () => {
    const tree = treeOf([stage('implement', 'running'), stage('implement[1]', 'succeeded'), stage('implement[2]', 'running', { attempts: [attempt(1, 0, 1), attempt(2, 2, undefined)], instances: 3 })]);
    expect(tree).toHaveLength(1);
    expect(tree[0]?.instances).toHaveLength(2);
    expect(spoken(tree[0]?.instances[1] ?? stage('x', 'failed'))).toBe('implement 2 of 3, Running, attempt 2');
  });

  test('are found by their name, or by the instance that is worst', () => {
    const both = run('failed', [stage('a[1]', 'succeeded'), stage('a[2]', 'failed')]);
    expect(stageByName(both, 'a')?.name).toBe('a[2]');
    expect(stageByName(both, 'a[1]')?.name).toBe('a[1]');
    expect(stageByName(both, 'b')).toBeUndefined();
  });
});

describe('what can be done', () => {
  const names = (of: RunDetail) => actionsOf(of).map(({ action, why }) => action + (why ? '!' : ''));
  test('follows from the state', () => {
    expect(names(run('running', []))).toEqual(['pause', 'cancel']);
    expect(names(run('paused', [], { paused_at: at(3) }))).toEqual(['resume', 'cancel']);
    expect(names(run('cancelling', []))).toEqual(['pause!', 'cancel!']);
    expect(names(run('failed', [stage('a', 'succeeded')]))).toEqual(['retry', 'extend', 'rollback']);
    expect(names(run('succeeded', [stage('a', 'succeeded')]))).toEqual(['extend', 'rollback']);
    expect(names(run('failed', [stage('a', 'succeeded')], { superseded: true }))).toEqual(['retry!', 'extend', 'rollback!']);
  });

  test('back to the newest that succeeded first', () => {
    expect(rollbackTargets(run('failed', [stage('a', 'succeeded'), stage('b[1]', 'succeeded'), stage('b[2]', 'succeeded'), stage('c', 'failed')]))).toEqual(['b', 'a']);
  });
});

describe('the timeline', () => {
  const stages = [stage('a', 'succeeded', { attempts: [attempt(1, 1000, 3000, 'failed'), attempt(2, 4000, 6000)], finished_at: at(6000) }), stage('b', 'succeeded', { attempts: [attempt(1, 7_206_000, 7_208_000)], finished_at: at(7_208_000) })];
  const two = run('succeeded', stages, { finished_at: at(7_208_000) });

  test('has a bar for each attempt, as long as its events say', () => {
    const [a] = timelineOf(two, 0, true).rows;
    const ran = a?.bars.filter((bar) => bar.kind !== 'queued') ?? [];
    expect(ran.map((bar) => [bar.kind, bar.to - bar.from])).toEqual([['failed', 2000], ['success', 2000]]);
  });

  test('folds a wait of two hours, and keeps the order of everything', () => {
    const folded = timelineOf(two, 0, true);
    expect(folded.folds).toHaveLength(1);
    const scale = scaleOf(folded);
    const places = [0, 1000, 3000, 6000, 100_000, 7_206_000, 7_208_000].map((ms) => scale(Date.parse(at(ms))));
    expect([...places].sort((x, y) => x - y)).toEqual(places);
    expect(places[0]).toBe(0);
    expect(places.at(-1)).toBeCloseTo(1, 6);
    expect((places[2] ?? 0) - (places[1] ?? 0)).toBeGreaterThan(0.15);
    expect(timelineOf(two, 0, false).folds).toEqual([]);
  });

  test('writes round times outside of folds', () => {
    const folded = timelineOf(two, 0, true);
    for (const tick of ticksOf(folded)) {
      expect(folded.folds.some((fold) => tick > fold.from && tick < fold.to)).toBe(false);
    }
    expect(ticksOf(folded).length).toBeGreaterThan(2);
  });

  test('shows what waits until now', () => {
    const waits = run('waiting', [stage('ship', 'waiting_approval', { started_at: at(100) })]);
    const [row] = timelineOf(waits, Date.parse(at(5100)), false).rows;
    expect(row?.bars).toMatchObject([{ kind: 'waiting' }]);
    expect((row?.bars[0]?.to ?? 0) - (row?.bars[0]?.from ?? 0)).toBe(5000);
  });
});

describe('a line of a log', () => {
  test('keeps colours and drops what moves the cursor', () => {
    expect(spans('\u001b[1;31merror\u001b[0m: no')).toEqual([{ text: 'error', style: 'fg-1 bold' }, { text: ': no', style: '' }]);
    expect(spans('\u001b[38;5;208mx')).toEqual([{ text: 'x', style: '', color: 'rgb(255 135 0)' }]);
    expect(spans('\u001b[38;2;1;2;3mx')[0]?.color).toBe('rgb(1 2 3)');
    expect(plain('\u001b]0;title\u0007a\u001b[2Kb')).toBe('ab');
  });

  test('shows what a terminal would show in the end', () => {
    expect(overwritten('10%\r20%\r100%\r')).toBe('100%');
  });
});

describe('a log', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  test('knows its lines however its bytes were cut', () => {
    const text = 'one\ntwö\n\nfour';
    for (const cut of [1, 3, 5, 7]) {
      const log = new LogText();
      const all = bytes(text);
      for (let from = 0; from < all.length; from += cut) log.append(all.subarray(from, from + cut), from);
      expect([0, 1, 2, 3].map((line) => log.line(line))).toEqual(['one', 'twö', '', 'four']);
      expect(log.lines).toBe(4);
    }
  });

  test('takes nothing that does not follow', () => {
    const log = new LogText();
    expect(log.append(bytes('a\n'), 0)).toBe(true);
    expect(log.append(bytes('c\n'), 4)).toBe(false);
    expect(log.bytes).toBe(2);
  });

  test('says which blocks have to be asked for again', () => {
    const log = new LogText(3);
    const line = `${'x'.repeat(1023)}\n`;
    const block = bytes(line.repeat(BLOCK / 1024));
    for (let at = 0; at < 5; at += 1) log.append(block, at * BLOCK);
    expect(log.lines).toBe(5 * 256);
    expect(log.line(0)).toEqual([0]);
    log.put(0, block);
    expect(log.line(0)).toBe('x'.repeat(1023));
    expect(log.line(5 * 256 - 1)).toBe('x'.repeat(1023));
    expect(log.lineAt(BLOCK + 5)).toBe(256);
  });

  test('of a million lines is scrolled from its first to its last', () => {
    const lines = 2_000_000;
    expect(lineAtScroll(0, lines, 18, 600)).toBe(0);
    const top = scrollOfLine(1_234_567, lines, 18, 600);
    expect(Math.abs(lineAtScroll(top, lines, 18, 600) - 1_234_567)).toBeLessThanOrEqual(1);
    expect(lineAtScroll(16_000_000, lines, 18, 600)).toBeGreaterThan(lines - 40);
    expect(lineAtScroll(180, 100, 18, 600)).toBe(10);
  });
});

describe('the list of runs', () => {
  const summary = (id: string, status: string, created: number) => ({ id, status, name: id, pipeline: 'p', by: 'ana', trigger: 'manual', created_at: at(created) }) as never;
  test('takes what changed, and what began since', () => {
    const pages = [summary('b', 'running', 2), summary('a', 'running', 1)];
    const live = [summary('c', 'running', 3), summary('b', 'failed', 2)];
    const all = joined(pages, live, parseFilter(''), false);
    expect(all.rows.map((one) => one.id + one.status)).toEqual(['crunning', 'bfailed', 'arunning']);
    const held = joined(pages, live, parseFilter(''), true);
    expect(held.rows.map((one) => one.id)).toEqual(['b', 'a']);
    expect(held.fresh).toBe(1);
  });

  test('leaves out what the filter does not mean', () => {
    const filter = parseFilter('status:failed,cancelled by:ana');
    expect(isMeant(filter, summary('a', 'failed', 1))).toBe(true);
    expect(isMeant(filter, summary('a', 'running', 1))).toBe(false);
  });
});

describe('artifacts', () => {
  const file = (id: string, attempt: number, stage = 'a') => ({ id, attempt, stage, name: 'report', path: 'r.md', created_at: '1' }) as never;

  test('of a file the newest attempt is shown, and the older ones can be compared with it', () => {
    expect(leftOf([file('1', 1), file('2', 2), file('3', 1, 'b')]).map(({ artifact, earlier }) => [artifact.id, earlier.map((one) => one.id)])).toEqual([['2', ['1']], ['3', []]]);
    expect(sameIn([file('1', 1), file('2', 2)], file('9', 1))?.id).toBe('2');
    expect(sameIn([file('1', 1, 'other')], file('9', 1))).toBeUndefined();
  });

  test('another run is one that came before', () => {
    const runs = [1, 2, 3, 4].map((number) => ({ number, pipeline: number === 2 ? 'other' : 'p' })) as never;
    expect(runsBefore(runs, 'p', 4).map((one) => one.number)).toEqual([3, 1]);
  });
});
