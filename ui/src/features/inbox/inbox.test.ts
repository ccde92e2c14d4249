import { expect, test } from 'vitest';
import { evidenceOf, isForm, ordered, refusalOf, seatsOf } from './model';

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

test('evidence keeps texts readable, shortens digests, and leaves out what is said elsewhere', () => {
  const found = evidenceOf({ instructions: 'x', revision: 3, definition: 'a'.repeat(64), task: { run: 'make\nmake test', env: {} }, outputs: {} });
  expect(found.facts).toEqual([['Version', '3'], ['Definition', 'a'.repeat(12)]]);
  expect(found.parts).toEqual([{ label: 'What would run', text: 'run:\n  make\n  make test' }]);
  expect(evidenceOf(null)).toEqual({ facts: [], parts: [] });
});

test('whoever voted may vote again, others are told why not', () => {
  expect(refusalOf('can approve')).toBeUndefined();
  expect(refusalOf('voted')).toBeUndefined();
  expect(refusalOf('you started this run')).toBe('you started this run');
});
