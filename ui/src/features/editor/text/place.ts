/**
 * Where in a definition a cursor is, also while the text is no valid YAML: by columns, as people
 * write it. Pure.
 */
import type { Path } from './schema';

export interface CodePlace {
  kind: 'key' | 'value';
  /** Of a key: the map that it is in. Of a value: the key or item that it is of. */
  path: Path;
  /** Where the word begins that is being written. */
  from: number;
  typed: string;
  /** Keys that the map has already. */
  present: string[];
}

interface Entry {
  column: number;
  /** Nothing: a dash. */
  key: string | undefined;
  /** What stands behind it on the line. */
  rest: string;
}

const KEY = /^("[^"]*"|'[^']*'|[^\s#:{}[\],&*!|>'"%@`-][^:#{}[\],]*?|-[^\s:][^:]*?)\s*:(?=\s|$)/;

/** `  - name: x` is a dash at 2 and a key at 4. */
export function entries(line: string): Entry[] {
  const found: Entry[] = [];
  let column = line.length - line.trimStart().length;
  let rest = line.slice(column);
  while (/^-(\s|$)/.test(rest)) {
    const gap = /^-\s*/.exec(rest)?.[0].length ?? 1;
    found.push({ column, key: undefined, rest: rest.slice(gap) });
    column += gap;
    rest = rest.slice(gap);
  }
  const key = KEY.exec(rest);
  if (key) {
    const name = (key[1] ?? '').replace(/^["']|["']$/g, '');
    found.push({ column, key: name, rest: rest.slice(key[0].length).trim() });
  }
  return found;
}

const isBlank = (line: string): boolean => /^\s*(#.*)?$/.test(line);
const indentOf = (line: string): number => line.length - line.trimStart().length;

/** Whether a line is text of a block (`run: |`), and of which key. */
function inBlockText(lines: readonly string[], at: number): boolean {
  let limit = isBlank(lines[at] ?? '') ? Number.POSITIVE_INFINITY : indentOf(lines[at] ?? '');
  for (let row = at - 1; row >= 0; row -= 1) {
    const line = lines[row] ?? '';
    if (line.trim() === '') continue;
    const indent = indentOf(line);
    if (indent >= limit) continue;
    const last = entries(line).at(-1);
    if (last && /^(\S+\s+)?[|>][+-]?\d?\s*(#.*)?$/.test(last.rest)) return last.column < limit;
    if (limit === Number.POSITIVE_INFINITY) return false;
    limit = indent;
  }
  return false;
}

interface Above {
  path: (string | number)[];
  present: string[];
}

/** The way from the top to what begins at a column of a line, and the keys beside it. */
function above(lines: readonly string[], row: number, column: number): Above {
  const path: (string | number)[] = [];
  const present: string[] = [];
  let limit = column;
  let ownMap = true;
  let seq: number | undefined;
  for (let at = row; at >= 0 && limit >= 0; at -= 1) {
    const line = lines[at] ?? '';
    if (isBlank(line)) continue;
    for (const entry of entries(line).reverse()) {
      if (at === row && entry.column >= column) continue;
      if (entry.key === undefined) {
        if (entry.column >= limit || seq === entry.column) {
          if (entry.column < column) ownMap = false;
          continue;
        }
        path.unshift(0);
        ownMap = false;
        seq = entry.column;
        // The key of a list may stand in the same column as its dashes.
        limit = entry.column + 1;
      } else if (entry.column < limit) {
        path.unshift(entry.key);
        limit = entry.column;
        seq = undefined;
        ownMap = false;
      } else if (ownMap && entry.column === limit) present.push(entry.key);
    }
    if (limit === 0 && path.length > 0 && seq === undefined) break;
  }
  return { path, present };
}

function presentBelow(lines: readonly string[], row: number, column: number): string[] {
  const found: string[] = [];
  for (let at = row + 1; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (isBlank(line)) continue;
    if (indentOf(line) < column) break;
    const [first] = entries(line);
    if (first?.column === column && first.key !== undefined) found.push(first.key);
  }
  return found;
}

/** Within `{a: 1, b: [x` the way from where it begins. */
function flow(text: string): { path: (string | number)[]; word: string; isKey: boolean; present: string[] } | undefined {
  const stack: { map: boolean; key: string | undefined; keys: string[] }[] = [];
  let word = '';
  let quote = '';
  for (const sign of text) {
    if (quote) {
      if (sign === quote) quote = '';
      word += sign;
      continue;
    }
    const top = stack.at(-1);
    if (sign === '"' || sign === "'") {
      quote = sign;
      word += sign;
    } else if (sign === '{' && !word.endsWith('$')) {
      stack.push({ map: true, key: undefined, keys: [] });
      word = '';
    } else if (sign === '[') {
      stack.push({ map: false, key: undefined, keys: [] });
      word = '';
    } else if (sign === '}' || sign === ']') {
      if (/\$\{[^}]*$/.test(word)) word += sign;
      else {
        stack.pop();
        word = '';
      }
    } else if (sign === ',') {
      if (top?.map) top.key = undefined;
      word = '';
    } else if (sign === ':' && top?.map && top.key === undefined) {
      top.key = word.trim();
      top.keys.push(top.key);
      word = '';
    } else word += sign;
  }
  const top = stack.at(-1);
  if (!top) return undefined;
  const path = stack.flatMap((one): (string | number)[] => (one.map ? (one.key === undefined ? [] : [one.key]) : [0]));
  return { path, word: word.trimStart(), isKey: top.map && top.key === undefined, present: top.keys };
}

/** Nothing where there is nothing to be proposed: in notes and in blocks of text. */
export function placeAt(text: string, offset: number): CodePlace | undefined {
  const begin = text.lastIndexOf('\n', offset - 1) + 1;
  const before = text.slice(begin, offset);
  const lines = text.split('\n');
  const row = text.slice(0, begin).split('\n').length - 1;
  if (/(^|\s)#/.test(before.replace(/"[^"]*"|'[^']*'/g, ''))) return undefined;
  if (inBlockText(lines, row)) return undefined;
  const own = entries(before);
  const last = own.at(-1);
  const column = last?.key === undefined ? (last ? last.column + Math.max(2, before.length - last.column - last.rest.length) : indentOf(before)) : last.column;
  const cut = [...lines];
  cut[row] = before;
  const up = above(cut, row, column);
  const value = last?.key === undefined ? before.trimStart().replace(/^(-\s+)*/, '') : before.slice(before.indexOf(`${last.key}`, last.column) + last.key.length).replace(/^["']?\s*:\s*/, '');
  const base = last?.key === undefined ? up.path : [...up.path, last.key];
  if (/^[{[]/.test(value)) {
    const within = flow(value);
    if (!within) return undefined;
    const { word, present } = within;
    return { kind: within.isKey ? 'key' : 'value', path: [...base, ...within.path], from: offset - word.length, typed: word, present };
  }
  if (last?.key !== undefined) return { kind: 'value', path: base, from: offset - value.length, typed: value, present: [] };
  if (!/^[\w.$-]*$/.test(value)) return undefined;
  return { kind: 'key', path: base, from: offset - value.length, typed: value, present: [...up.present, ...presentBelow(lines, row, column)] };
}

/** The key that stands under a place, as a path; nothing between keys. */
export function keyAt(text: string, offset: number): { path: Path; from: number; to: number } | undefined {
  let [from, to] = [offset, offset];
  const isWord = (sign: string | undefined) => sign !== undefined && /[\w-]/.test(sign);
  while (isWord(text[from - 1])) from -= 1;
  while (isWord(text[to])) to += 1;
  if (from === to || !/^\s*:(\s|$)/.test(text.slice(to, to + 3))) return undefined;
  const place = placeAt(text, to);
  if (!place || place.kind !== 'key') return undefined;
  return { path: [...place.path, text.slice(from, to)], from, to };
}

export interface StageStart {
  name: string;
  /** Where its item begins in the text. */
  at: number;
}

/** The stages, as far as they can be read. */
export function stageStarts(text: string): StageStart[] {
  const found: StageStart[] = [];
  const begin = Math.max(0, text.search(/^stages\s*:/m));
  let column: number | undefined;
  for (const match of text.slice(begin).matchAll(/^([ ]*)-\s+\{?\s*(?:.*?[{,\s])?name:\s*["']?([\w-]+)/gm)) {
    const indent = match[1]?.length ?? 0;
    column ??= indent;
    if (indent === column && match[2]) found.push({ name: match[2], at: begin + match.index });
  }
  return found;
}

export const stageNames = (text: string): string[] => stageStarts(text).map((one) => one.name);

/** The stage that a place is in. */
export function stageAt(text: string, offset: number): string | undefined {
  return stageStarts(text).findLast((one) => one.at <= offset)?.name;
}

/** Names below a key of the top: inputs, variables, secrets. */
export function namesBelow(text: string, key: string): string[] {
  const lines = text.split('\n');
  const row = lines.findIndex((line) => line.startsWith(`${key}:`));
  if (row < 0) return [];
  const inline = /^\w+:\s*[{[](.*)[}\]]/.exec(lines[row] ?? '')?.[1];
  if (inline !== undefined) return [...inline.matchAll(/(?:^|,)\s*([\w-]+)/g)].map((match) => match[1] ?? '');
  const found: string[] = [];
  let column: number | undefined;
  for (const line of lines.slice(row + 1)) {
    if (isBlank(line)) continue;
    const match = /^(\s*)(?:-\s+)?([\w-]+)\s*(:|$)/.exec(line);
    const indent = indentOf(line);
    if (indent === 0 && !line.startsWith('-')) break;
    column ??= indent;
    if (indent === column && match?.[2]) found.push(match[2]);
  }
  return found;
}
