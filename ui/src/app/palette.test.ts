import { expect, test } from 'vitest';
import { rank, search, type Entry } from './palette.model';

const entry = (group: Entry['group'], label: string): Entry => ({ group, label, hint: '', to: { href: '/' } });
const all = [entry('Actions', 'Retry nightly#3'), entry('Runs', 'nightly#3'), entry('Runs', 'nightly#2'), entry('Agents', 'architect'), entry('Pages', 'Runs'), entry('Pipelines', 'nightly')];
const labels = (typed: string) => search(all, typed).map((one) => one.label);

test('what fits better stands higher', () => {
  expect([rank('nightly', 'nightly'), rank('nightly#3', 'night'), rank('Retry nightly', 'nig'), rank('nightly', 'ght'), rank('nightly', 'nly'), rank('nightly', 'x')]).toEqual([6, 5, 4, 3, 1, 0]);
  expect(rank('Retry nightly#3 from build', 'build retry')).toBe(2);
});

test('all of it in order, then what is meant', () => {
  expect(labels('')).toEqual(['Retry nightly#3', 'nightly#3', 'nightly#2', 'nightly', 'architect', 'Runs']);
  expect(labels('nightly')[0]).toBe('nightly');
  expect(labels('zzz')).toEqual([]);
});

test('a sign in front means one kind alone', () => {
  expect(labels('#2')).toEqual(['nightly#2']);
  expect(labels('>retry')).toEqual(['Retry nightly#3']);
  expect(labels('@')).toEqual(['architect']);
});
