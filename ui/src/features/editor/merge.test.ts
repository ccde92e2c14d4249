import { expect, test } from 'vitest';
import { parsed } from './draft';
import { conflicts, merged, resolved } from './merge';
import { difference } from './text/code';

const BASE = 'a\nb\nc\nd\ne';

test('changes of different lines fit together', () => {
  const hunks = merged(BASE, 'a\nB\nc\nd\ne', 'a\nb\nc\nd\ne\nf');
  expect(conflicts(hunks)).toBe(0);
  expect(resolved(hunks, new Map())).toBe('a\nB\nc\nd\ne\nf');
  expect(hunks.map((hunk) => hunk.by)).toEqual(['nobody', 'mine', 'nobody', 'theirs']);
});

test('the same change on both sides is no conflict', () => {
  const hunks = merged(BASE, 'a\nX\nc\nd\ne', 'a\nX\nc\nd\ne');
  expect(conflicts(hunks)).toBe(0);
  expect(resolved(hunks, new Map())).toBe('a\nX\nc\nd\ne');
});

test('the same lines changed two ways are to be chosen', () => {
  const hunks = merged(BASE, 'a\nmine\nc\nd\ne', 'a\ntheirs\nc\nD\ne');
  expect(conflicts(hunks)).toBe(1);
  const at = hunks.findIndex((hunk) => hunk.by === 'conflict');
  expect(resolved(hunks, new Map())).toBe('a\nmine\nc\nD\ne');
  expect(resolved(hunks, new Map([[at, 'theirs']]))).toBe('a\ntheirs\nc\nD\ne');
});

test('lines that one side takes out and the other leaves go; those that it changes are chosen', () => {
  expect(resolved(merged(BASE, 'a\nc\nd\ne', BASE), new Map())).toBe('a\nc\nd\ne');
  const hunks = merged(BASE, 'a\nc\nd\ne', 'a\nB\nc\nd\ne');
  expect(conflicts(hunks)).toBe(1);
});

test('whatever is merged, one side alone gives that side', () => {
  for (const other of ['', 'x', 'a\nb', 'e\nd\nc\nb\na', `${BASE}\n${BASE}`]) {
    expect(resolved(merged(BASE, other, BASE), new Map())).toBe(other);
    expect(resolved(merged(BASE, BASE, other), new Map())).toBe(other);
  }
});

test('what is kept is read as a draft or not at all', () => {
  const draft = { text: 't', base: { text: 'b', revision: 3, tag: '"r3"' }, at: 7 };
  expect(parsed(JSON.stringify(draft))).toEqual(draft);
  for (const broken of [null, 'name: x', '{}', '{"text":1,"base":{"text":"","revision":1}}', 'null']) expect(parsed(broken)).toBeUndefined();
});

test('of two texts only what differs is replaced', () => {
  for (const [from, to] of [['abc', 'abXc'], ['aa', 'aaa'], ['', 'x'], ['x', ''], ['same', 'same']] as const) {
    const change = difference(from, to);
    expect(from.slice(0, change.from) + change.insert + from.slice(change.to)).toBe(to);
  }
  expect(difference('abc', 'abXc')).toEqual({ from: 2, to: 2, insert: 'X' });
});
