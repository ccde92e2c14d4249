import { describe, expect, test } from 'vitest';
import { Groups, hiddenOf, hiderOf, lineOfRow, rowOfLine, rowsOf } from './fold';
import { LogText } from './text';

const TEXT = ['start', '::group::Build', 'a', 'b', '::endgroup::', 'between', '::group::Test', 'c', '::group::Ship', 'd', ''].join('\n');

function log(...pieces: string[]): LogText {
  const text = new LogText();
  for (const piece of pieces) text.append(new TextEncoder().encode(piece), text.bytes);
  return text;
}

const read = (text: LogText) => new Groups().read(text.marks, (line) => {
  const found = text.line(line);
  return typeof found === 'string' && text.isWhole(line) ? found : undefined;
});

describe('groups of a log', () => {
  test('end with their mark, or where the next begins, or not yet', () => {
    const all = [{ line: 1, end: 5, name: 'Build' }, { line: 6, end: 8, name: 'Test' }, { line: 8, end: undefined, name: 'Ship' }];
    expect(read(log(TEXT))).toEqual(all);
    // Wherever the pieces are cut.
    for (let at = 1; at < TEXT.length; at += 1) expect(read(log(TEXT.slice(0, at), TEXT.slice(at)))).toEqual(all);
  });

  test('a mark that is not known yet is read later', () => {
    const groups = new Groups();
    const text = log(TEXT);
    expect(groups.read(text.marks, () => undefined)).toEqual([]);
    expect(groups.read(text.marks, (line) => text.line(line) as string)).toHaveLength(3);
  });

  test('folded, their lines take no rows, and each row knows its line', () => {
    const groups = read(log(TEXT));
    const hidden = hiddenOf(groups, new Set([1, 8]), 10);
    expect(hidden).toEqual([{ from: 2, to: 5 }, { from: 9, to: 10 }]);
    const rows = rowsOf(hidden, 10);
    expect(Array.from({ length: rows }, (_, row) => lineOfRow(hidden, row))).toEqual([0, 1, 5, 6, 7, 8]);
    expect([0, 1, 3, 5, 8, 9].map((line) => rowOfLine(hidden, line))).toEqual([0, 1, 1, 2, 5, 5]);
    expect([hiderOf(hidden, 3), hiderOf(hidden, 5), hiderOf(hidden, 9)]).toEqual([1, undefined, 8]);
  });
});
