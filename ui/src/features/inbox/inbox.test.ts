import { expect, test } from 'vitest';
import { commandOf, evidenceOf, lookInto, outline } from './evidence';
import { isForm, ordered, refusalOf, seatsOf } from './model';

test('what is due first stands first', () => {
  const gate = (id: string, due: string | null, opened = '1') => ({ id, due_at: due, opened_at: opened }) as never;
  const items = ordered([gate('A-1', null, '2'), gate('A-2', '2026-01-02T00:00:00Z')], [gate('I-1', '2026-01-01T00:00:00Z'), gate('I-2', null, '1')]);
  expect(items.map((item) => item.of.id)).toEqual(['I-1', 'A-2', 'I-2', 'A-1']);
  expect(isForm('I-1') && !isForm('A-1')).toBe(true);
});

test('seats tell who filled them and with what words', () => {
  const vote = (by: string, decision: string, comment: string, replaced = false) => ({ at: 't', by, decision, comment, replaced });
  const gate = { slots: [{ entry: 'devops', filled_by: 'bo' }, { entry: '', filled_by: null }], votes: [vote('bo', 'approve', 'old', true), vote('bo', 'approve', 'ok')] };
  expect(seatsOf(gate as never)).toEqual([
    { entry: 'devops', filledBy: 'bo', at: 't', comment: 'ok' },
    { entry: '', filledBy: undefined, at: undefined, comment: '' },
  ]);
});

test('what would be run is read as it would be typed', () => {
  expect(commandOf(['sh', '-e', '-c', 'echo one\nmake\n'])).toEqual({ by: 'sh -e -c', text: 'echo one\nmake' });
  expect(commandOf(['/bin/bash', '-euc', 'make'])).toEqual({ by: '/bin/bash -euc', text: 'make' });
  expect(commandOf(['cargo', 'test', '--', "it's"])).toEqual({ by: '', text: "cargo test -- 'it'\\''s'" });
});

test('evidence says what would happen, in rows and texts, and leaves out what is said elsewhere', () => {
  const found = evidenceOf({
    instructions: 'x',
    revision: 3,
    definition: 'a'.repeat(64),
    task: { command: ['sh', '-e', '-c', 'make\nmake test\n'], env: { REGION: 'eu' }, directory: '/w', context: { 'build/report.md': 'ff' } },
    outputs: { sum: 42, deep: { a: [1, 2], b: 'x' } },
  });
  expect(found.parts).toEqual([
    { kind: 'code', label: 'Commands it would run', text: 'make\nmake test' },
    { kind: 'rows', label: 'Variables', rows: [['REGION', 'eu']] },
    { kind: 'rows', label: 'It gave', rows: [['sum', '42'], ['deep', 'a:\n  - 1\n  - 2\nb: x']] },
  ]);
  expect(found.facts).toEqual([['Run by', 'sh -e -c'], ['Directory', '/w'], ['Version', '3'], ['Definition', 'a'.repeat(12)]]);
  expect(found.laid).toEqual(['ff']);
  expect(evidenceOf(null)).toEqual({ question: '', choices: [], facts: [], parts: [], laid: [] });
});

test('what an agent wants to do is said once', () => {
  const found = evidenceOf({ inquiry: { key: 'tool-1', attempt: 2, question: 'May it?', detail: { agent: 'coder', tool: 'execute', path: null, command: 'git push', input: { command: 'git push', why: 'to share' } } } });
  expect(found.question).toBe('May it?');
  expect(found.parts).toEqual([{ kind: 'code', label: 'Command', text: 'git push' }]);
  expect(found.facts).toEqual([['Agent', 'coder'], ['Tool', 'execute'], ['Why', 'to share'], ['Attempt', '2']]);
});

test('an agent is shown with its task and what it is given', () => {
  const found = evidenceOf({ task: { agent: 'implementer', task: 'Write it.', context: ['@build', '@spec'] } });
  expect(found.parts).toEqual([{ kind: 'prose', label: 'What the agent is asked', text: 'Write it.' }]);
  expect(found.facts).toEqual([['Agent', 'implementer'], ['It is given', '@build, @spec']]);
});

test('no value is shown as JSON', () => {
  const text = outline({ a: { b: [{ c: 1 }, 'two\nlines'] }, d: [], e: null });
  expect(text).toBe('a:\n  b:\n    -\n      c: 1\n    -\n      two\n      lines\nd: none\ne: none');
  expect(text).not.toMatch(/[{}"\[\]]/);
});

test('files are offered in the order in which they matter', () => {
  const file = (id: string, digest: string, status = 'promoted') => ({ id, digest, status }) as never;
  const all = lookInto([file('3', 'c')], [file('1', 'a'), file('2', 'b'), file('3', 'c'), file('4', 'd', 'superseded')], ['b']);
  expect(all.map(({ artifact, why }) => [artifact.id, why])).toEqual([['3', 'to approve'], ['2', 'given to it'], ['1', 'left before it']]);
});

test('whoever voted may vote again, others are told why not', () => {
  expect(refusalOf('can approve')).toBeUndefined();
  expect(refusalOf('voted')).toBeUndefined();
  expect(refusalOf('you started this run')).toBe('you started this run');
});
