import { expect, test } from 'vitest';
import type { Diagnostic } from '../../api/types';
import { fixed, linesOf, offsetOf } from './model';
import { stageAt, stageStarts } from './text/place';

const at = (line: number, col: number) => ({ line, col, byte: 0 });
const wrong = (line: number, from: number, to: number, help: string): Diagnostic => ({ code: 'E0201', severity: 'error', message: 'm', help, spans: [{ file: 'f', start: at(line, from), end: at(line, to) }] });

test('columns count characters, whatever they are made of', () => {
  expect(offsetOf('ab\ncdé😀f', 2, 5)).toBe('ab\ncdé😀'.length);
  expect(offsetOf('ab', 9, 1)).toBe(2);
});

test('a proposal takes the place of what was marked, quotes and all', () => {
  const text = 'a:\n  depends_on: [deploy-stagin]\n';
  expect(fixed(text, wrong(2, 16, 29, 'did you mean `deploy-staging`?'))).toBe('a:\n  depends_on: [deploy-staging]\n');
  expect(fixed('x: "y"', wrong(1, 4, 7, 'did you mean `z`?'))).toBe('x: "z"');
  expect(fixed(text, wrong(2, 16, 29, 'no idea'))).toBeUndefined();
});

test('a stage is found in the text, and the text in its stage', () => {
  const text = 'name: x\nstages:\n  - name: a\n    run: y\n  - {name: b, run: z}\n';
  expect(stageStarts(text).map(({ name, at: from }) => [name, linesOf(text, from)])).toEqual([['a', 3], ['b', 5]]);
  expect(stageAt(text, text.indexOf('run: y'))).toBe('a');
  expect(stageAt(text, 2)).toBeUndefined();
});
