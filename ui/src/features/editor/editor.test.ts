import { expect, test } from 'vitest';
import type { Diagnostic } from '../../api/types';
import { fixed, indentAfter, marks, offsetOf } from './model';

const at = (line: number, col: number) => ({ line, col, byte: 0 });
const wrong = (line: number, from: number, to: number, help: string, severity: 'error' | 'warning' = 'error'): Diagnostic => ({ code: 'E0201', severity, message: 'm', help, spans: [{ file: 'f', start: at(line, from), end: at(line, to) }] });

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

test('a line shows the worst of what is said about it', () => {
  const found = marks([wrong(3, 1, 2, ''), wrong(3, 1, 2, '', 'warning'), wrong(4, 1, 2, '', 'warning')]);
  expect([...found]).toEqual([[3, 'error'], [4, 'warning']]);
});

test('a new line is indented as the one before, and deeper behind a colon', () => {
  expect(indentAfter('  - name: x')).toBe('    ');
  expect(indentAfter('stages:')).toBe('  ');
  expect(indentAfter('    run: |')).toBe('      ');
  expect(indentAfter('plain')).toBe('');
});
