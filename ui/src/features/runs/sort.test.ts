import { describe, expect, test } from 'vitest';
import { ariaSort, ofView, parsedSort, pressed, viewText } from './sort';

describe('the order of runs', () => {
  test('is turned by a press on its column, and begins where one looks first', () => {
    expect(pressed('-created', 'created')).toBe('created');
    expect(pressed('created', 'created')).toBe('-created');
    expect(pressed('-created', 'duration')).toBe('-duration');
    expect(pressed('-duration', 'name')).toBe('name');
    expect([ariaSort('-duration', 'duration'), ariaSort('name', 'name'), ariaSort('name', 'status')]).toEqual(['descending', 'ascending', undefined]);
  });
  test('is the usual one where the address says nonsense', () => {
    expect([parsedSort('-name'), parsedSort('--name'), parsedSort('price'), parsedSort(null)]).toEqual(['-name', '-created', '-created', '-created']);
  });
  test('is kept with the filter of a view', () => {
    expect(viewText('status:failed ', '-created')).toBe('status:failed');
    expect(viewText('status:failed', '-duration')).toBe('status:failed sort:-duration');
    expect(ofView('status:failed sort:-duration')).toEqual({ filter: 'status:failed', sort: '-duration' });
    expect(ofView('by:ana')).toEqual({ filter: 'by:ana', sort: '-created' });
    expect(ofView(viewText('', 'name'))).toEqual({ filter: '', sort: 'name' });
  });
});
