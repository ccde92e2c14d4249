import { expect, test } from 'vitest';
import { meaning, nameOf, SHORTCUTS, type ShortcutId } from './keys';

const press = (key: string, more: object = {}) => nameOf({ key, ctrlKey: false, metaKey: false, altKey: false, ...more } as KeyboardEvent);

test('keys are named as the table writes them', () => {
  expect([press(' '), press('k', { ctrlKey: true }), press('K', { metaKey: true }), press('x', { altKey: true }), press('G')]).toEqual(['Space', 'mod+k', 'mod+k', 'alt+x', 'G']);
});

test('a first key waits for its second, and one that goes nowhere begins anew', () => {
  const wanted: ShortcutId[] = ['go.now', 'go.runs', 'log.next', 'list.next'];
  expect(meaning('', 'g', wanted)).toEqual({ before: 'g' });
  expect(meaning('g', 'n', wanted)).toEqual({ id: 'go.now', before: '' });
  expect(meaning('', 'n', wanted)).toEqual({ id: 'log.next', before: '' });
  expect(meaning('g', 'j', wanted)).toEqual({ id: 'list.next', before: '' });
  expect(meaning('', 'q', wanted)).toEqual({ before: '' });
});

test('what was said last is heard where a key has two meanings', () => {
  expect(meaning('', '/', ['log.search', 'filter']).id).toBe('log.search');
  expect(meaning('', '/', ['filter', 'log.search']).id).toBe('filter');
});

test('every key is written as it is pressed, and says what it does', () => {
  for (const { keys, says } of Object.values(SHORTCUTS)) {
    expect(keys).toMatch(/^(mod\+[a-z]|Escape|Enter|Space|\S( \S)?)$/);
    expect(says.length).toBeGreaterThan(2);
  }
});
