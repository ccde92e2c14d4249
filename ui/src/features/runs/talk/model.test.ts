import { describe, expect, test } from 'vitest';
import { added, attemptsOf, editOf, lanesOf, openAsks, sizeOf, takeable, tokensOf, type Did, type Happening } from './model';

let seq = 0;
const did = (what: Did, who = 'coder', attempt = 1): Happening => ({ seq: (seq += 1), attempt, at: new Date(seq * 1000).toISOString(), who, ...what });
const usage = (input: number, nano: number | null = 5) => ({ calls: 1, input_tokens: input, output_tokens: 2, cache_read_tokens: 1, cache_write_tokens: 0, nano_usd: nano, source: 'gateway' as const });

describe('a talk', () => {
  test('shows each call on one line, with what came of it', () => {
    const [attempt] = attemptsOf([
      did({ did: 'started', session: null, resumed: false }),
      did({ did: 'tool_call', id: '1', kind: 'read', title: 'read a.rs', input: { path: 'a.rs' } }),
      did({ did: 'tool_result', id: '1', ok: true, output: 'fn a' }),
      did({ did: 'tool_call', id: '2', kind: 'execute', title: 'git push', input: {} }),
      did({ did: 'denied', id: '2', kind: 'execute', title: 'git push', reason: 'the rules do not allow it' }),
      did({ did: 'tool_result', id: '2', ok: false, output: 'refused' }),
      did({ did: 'tool_call', id: '3', kind: 'execute', title: 'cargo test', input: {} }),
    ]);
    const calls = attempt?.items.filter((item) => item.kind === 'call').map((item) => [item.title, item.state, item.output, item.took]);
    expect(calls).toEqual([['read a.rs', 'ok', 'fn a', 1000], ['git push', 'denied', 'the rules do not allow it', 2000], ['cargo test', 'running', '', undefined]]);
  });

  test('puts the pieces of a text together, and no two that belong to others', () => {
    const [attempt] = attemptsOf([did({ did: 'text', text: 'a' }), did({ did: 'text', text: 'b' }), did({ did: 'thinking', text: 'hm' }), did({ did: 'text', text: 'c' }, 'other')]);
    expect(attempt?.items.map((item) => (item.kind === 'say' ? [item.who, item.text, item.quiet] : []))).toEqual([['coder', 'a\nb', false], ['coder', 'hm', true], ['other', 'c', false]]);
  });

  test('knows which questions wait, and those of an attempt that ended do not', () => {
    const asked = [did({ did: 'asked', ask: 'q1', question: 'CSS?' }), did({ did: 'answered', ask: 'q1', answer: 'ana: yes' }), did({ did: 'asked', ask: 'q2', question: 'May it?' })];
    const [open] = attemptsOf(asked);
    expect(open && openAsks(open).map((ask) => ask.ask)).toEqual(['q2']);
    const [over] = attemptsOf([...asked, did({ did: 'ended', verdict: { outcome: 'stopped', retryable: true, says: 'stopped' } }, '')]);
    expect(over && openAsks(over)).toEqual([]);
  });

  test('tells who took over, and what was asked before waits for nobody', () => {
    const [attempt] = attemptsOf([
      did({ did: 'asked', ask: 'q1', question: 'May it?' }),
      did({ did: 'taken_over', hold: 1, by: 'ana' }),
      did({ did: 'handed_back', hold: 1, by: 'ana', note: 'use CSS', accept: false }),
    ]);
    expect(attempt && openAsks(attempt)).toEqual([]);
    expect(attempt?.items.slice(1).map((item) => (item.kind === 'line' ? item.text : ''))).toEqual(['ana took over', 'ana handed back: use CSS']);
    expect(['running', 'waiting_approval', 'held_by_human', 'succeeded'].map((status) => takeable({ status }))).toEqual([true, true, false, false]);
  });

  test('is one list for one agent, and lanes for several', () => {
    const one = [did({ did: 'text', text: 'a' }), did({ did: 'validated', passed: false, code: 1, tail: 'x' }, '')];
    const [alone] = attemptsOf(one);
    expect(alone && lanesOf(alone, one)).toMatchObject({ shared: [], lanes: [{ who: 'coder', items: [{ kind: 'say' }, { kind: 'check' }] }] });
    const two = [did({ did: 'text', text: 'a' }, 'a'), did({ did: 'usage', usage: usage(10) }, 'a'), did({ did: 'text', text: 'b' }, 'b'), did({ did: 'turn', number: 1, says: 'a wins', data: {} }, '')];
    const [council] = attemptsOf(two);
    const found = council && lanesOf(council, two);
    expect(found?.lanes.map((lane) => [lane.who, lane.usage?.input_tokens])).toEqual([['a', 10], ['b', undefined]]);
    expect(found?.shared.map((item) => item.kind)).toEqual(['turn']);
  });

  test('is told attempt by attempt', () => {
    const all = attemptsOf([did({ did: 'text', text: 'a' }), did({ did: 'text', text: 'b' }, 'coder', 2)]);
    expect(all.map((attempt) => attempt.number)).toEqual([1, 2]);
  });
});

describe('what it used', () => {
  test('is added up, and unknown where a part is', () => {
    expect(added(usage(1), usage(2))).toMatchObject({ calls: 2, input_tokens: 3, nano_usd: 10 });
    expect(added(usage(1), usage(2, null)).nano_usd).toBeNull();
    expect(tokensOf(usage(7))).toBe(10);
  });
});

test('an edit is told from its input, whoever wrote it', () => {
  expect(editOf({ path: 'a', old: 'x\ny', new: 'z' })).toEqual({ path: 'a', before: 'x\ny', after: 'z' });
  expect(editOf({ file_path: 'a', content: 'one\ntwo\n' })).toEqual({ path: 'a', before: '', after: 'one\ntwo\n' });
  expect(editOf({ path: 'a' })).toBeUndefined();
  expect(sizeOf({ before: 'x\ny', after: 'one\n' })).toBe('+1 -2');
});
