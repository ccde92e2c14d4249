import { expect, test } from 'vitest';
import { rangeOf } from './model';

test('two versions are named in the address', () => {
  expect(rangeOf('2..5')).toEqual({ from: 2, to: 5 });
  expect(rangeOf('v2..v5')).toEqual({ from: 2, to: 5 });
  expect(rangeOf('5')).toBeUndefined();
});
