import { expect, test } from 'vitest';
import { described, ordered } from './model';

test('what somebody should see first comes first', () => {
  expect(ordered([['cd', 1], ['hello', 2], ['first', 3], ['cascade', 4]]).map(([name]) => name)).toEqual(['first', 'hello', 'cascade', 'cd']);
  expect(described('name: x\ndescription: Does it\n')).toBe('Does it');
});
