/**
 * Changes of a definition that leave everything else in it as it was written: only the lines of what
 * is changed are written anew; notes, order and form of the rest stay. Pure.
 */
import { isMap, isPair, isScalar, isSeq, parseDocument, stringify, type Document, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';

export type Path = readonly (string | number)[];
type Ranged = { range?: readonly [number, number, number] | null };
type Collection = YAMLMap<unknown, unknown> | YAMLSeq<unknown>;

/** `undefined`: it is no YAML (now), and nothing can be changed but by hand. */
export function read(text: string): Document | undefined {
  const doc = parseDocument(text, { version: '1.2', logLevel: 'silent' });
  if (doc.errors.length > 0 || !isMap(doc.contents)) return undefined;
  try {
    // A name (`*x`) of something that is not there, or only below it, is found out only here.
    doc.toJS();
  } catch {
    return undefined;
  }
  return doc;
}

/** A change that leaves a text nobody can read (a name of something that went) is none. */
function sound<A extends unknown[]>(change: (text: string, ...rest: A) => string | undefined): (text: string, ...rest: A) => string | undefined {
  return (text, ...rest) => {
    const next = change(text, ...rest);
    return next === undefined || next === text || read(next) ? next : undefined;
  };
}

const isCollection = (node: unknown): node is Collection => isMap(node) || isSeq(node);
const rangeOf = (node: unknown): readonly [number, number, number] => (node as Ranged).range ?? [0, 0, 0];
const keyText = (pair: Pair): string => String(isScalar(pair.key) ? pair.key.value : pair.key);

function children(node: Collection): { key: string | number; node: unknown; pair: Pair | undefined }[] {
  return node.items.map((item, at) => (isPair(item) ? { key: keyText(item), node: item.value, pair: item } : { key: at, node: item, pair: undefined }));
}

/** From the root to what a path names, as far as it is there. */
function way(doc: Document, path: Path): unknown[] {
  const found: unknown[] = [doc.contents];
  for (const step of path) {
    const last = found.at(-1);
    if (!isCollection(last)) break;
    const next = children(last).find((one) => one.key === step);
    if (!next) break;
    found.push(next.node);
  }
  return found;
}

const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1;
const lineEnd = (text: string, at: number): number => {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
};
const columnOf = (text: string, at: number): number => at - lineStart(text, at);

/** Where a value ends that is written over lines: behind its last sign, before the line break. */
function trimmedEnd(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && /\s/.test(text[end - 1] ?? '')) end -= 1;
  return end;
}

function written(value: unknown, flow: boolean): string {
  const options = { lineWidth: 0, flowCollectionPadding: false, ...(flow ? { collectionStyle: 'flow' as const } : {}) };
  return stringify(value, options).replace(/\n$/, '');
}

const indented = (text: string, by: number): string =>
  text
    .split('\n')
    .map((line, at) => (at === 0 || line === '' ? line : ' '.repeat(by) + line))
    .join('\n');

/** Short lists and short maps stand in one line, as people write them. */
function isShort(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const flat = Object.values(value).every((one) => (typeof one === 'string' ? !one.includes('\n') : typeof one !== 'object' || one === null));
  return flat && JSON.stringify(value).length < 80;
}

/** `key: value` at a column. */
function pairText(key: string, value: unknown, column: number): string {
  const short = isShort(value);
  const text = short ? `${written({ [key]: 0 }, false).replace(/0$/, '')}${written(value, true)}` : written({ [key]: value }, false);
  return indented(text, column);
}

/** The outermost collection on the way that is written in braces or brackets. */
function flowRoot(nodes: readonly unknown[]): Collection | undefined {
  return nodes.find((node): node is Collection => isCollection(node) && node.flow === true);
}

function replaceNode(text: string, node: Node, doc: Document): string {
  const [from, to] = rangeOf(node);
  const value = node.toJS(doc) as unknown;
  const flow = written(value, true);
  return text.slice(0, from) + flow + text.slice(to);
}

/** With a value at a path; `undefined` takes it out, and what holds nothing then as well. */
export const setIn = sound(set);

function set(text: string, path: Path, value: unknown): string | undefined {
  const doc = read(text);
  if (!doc) return undefined;
  const nodes = way(doc, path);
  const known = nodes.length > path.length;
  if (value === undefined) return known ? removed(text, doc, path) : text;
  const flow = flowRoot(known ? nodes.slice(0, -1) : nodes);
  if (flow) {
    doc.setIn(path as (string | number)[], doc.createNode(value));
    return replaceNode(text, flow, doc);
  }
  if (known) return replaced(text, doc, path, value);
  const depth = nodes.length - 1;
  const parent = nodes[depth];
  const rest = path.slice(depth + 1);
  const nested = rest.reduceRight<unknown>((inner, step) => (typeof step === 'number' ? [inner] : { [step]: inner }), value);
  const step = path[depth];
  if (isMap(parent) && parent.items.length > 0 && step !== undefined) return appended(text, parent, String(step), nested);
  if (isSeq(parent)) return insert(text, path.slice(0, depth), parent.items.length, nested);
  // `requires_approval: true` becomes a map; an empty key gets one.
  const whole = step === undefined ? nested : typeof step === 'number' ? [nested] : { [step]: nested };
  return depth === 0 ? undefined : replaced(text, doc, path.slice(0, depth), whole);
}

function replaced(text: string, doc: Document, path: Path, value: unknown): string {
  const nodes = way(doc, path);
  const parent = nodes.at(-2);
  const child = isCollection(parent) ? children(parent).find((one) => one.key === path.at(-1)) : undefined;
  if (!child) return text;
  if (!child.pair) {
    const [from, to] = rangeOf(child.node);
    const column = columnOf(text, from);
    return text.slice(0, from) + indented(written(value, false), column) + text.slice(trimmedEnd(text, from, to));
  }
  const [from] = rangeOf(child.pair.key);
  const to = trimmedEnd(text, from, pairEnd(text, child.pair));
  return text.slice(0, from) + pairText(keyText(child.pair), value, columnOf(text, from)) + text.slice(to);
}

function pairEnd(text: string, pair: Pair): number {
  const [from, keyEnd] = rangeOf(pair.key);
  if (pair.value === null || !(pair.value as Ranged).range) return Math.max(from, text.indexOf(':', keyEnd) + 1);
  const [begin, end] = rangeOf(pair.value);
  return Math.max(begin === end ? text.indexOf(':', keyEnd) + 1 : keyEnd, end);
}

function appended(text: string, map: YAMLMap<unknown, unknown>, key: string, value: unknown): string {
  const first = map.items[0];
  const last = map.items.at(-1);
  if (!first || !last) return text;
  const column = columnOf(text, rangeOf(first.key)[0]);
  const at = trimmedEnd(text, 0, pairEnd(text, last as Pair));
  // A note on the same line belongs to what stands before it.
  const end = isBlockText(text, last as Pair) ? at : trimmedEnd(text, at, lineEnd(text, at));
  return `${text.slice(0, end)}\n${' '.repeat(column)}${pairText(key, value, column)}${text.slice(end)}`;
}

const isBlockText = (text: string, pair: Pair): boolean => isScalar(pair.value) && /^[|>]/.test(text.slice(rangeOf(pair.value)[0]));

function removed(text: string, doc: Document, path: Path): string {
  const nodes = way(doc, path);
  const parent = nodes.at(-2);
  if (!isCollection(parent)) return text;
  const flow = flowRoot(nodes.slice(0, -1));
  if (flow) {
    if (parent.items.length === 1 && path.length > 2 && isMap(parent)) return removed(text, doc, path.slice(0, -1));
    doc.deleteIn(path as (string | number)[]);
    return replaceNode(text, flow, doc);
  }
  if (parent.items.length === 1 && path.length > 1) return isSeq(parent) ? replaced(text, doc, path.slice(0, -1), []) : removed(text, doc, path.slice(0, -1));
  const at = children(parent).findIndex((one) => one.key === path.at(-1));
  const blocks = blocksOf(text, parent);
  const block = blocks?.[at];
  if (!block) return text;
  if (block.from === block.lineFrom) return text.slice(0, block.from) + text.slice(block.to);
  // The first key of an item stands behind its dash: the next one takes its place.
  const next = blocks[at + 1];
  return next ? text.slice(0, block.from) + text.slice(next.from + columnOf(text, block.from)) : text;
}

interface Block {
  /** Where it begins: with the notes above it, at the beginning of a line where it can. */
  from: number;
  to: number;
  lineFrom: number;
}

/** The lines of each item of a collection that is written over lines. */
function blocksOf(text: string, node: Collection): Block[] | undefined {
  if (node.flow) return undefined;
  const starts = children(node).map((one) => {
    if (one.pair) return rangeOf(one.pair.key)[0];
    const [from] = rangeOf(one.node);
    return text.lastIndexOf('-', from - 1);
  });
  if (starts.some((start) => start < 0)) return undefined;
  const from = starts.map((start) => {
    const line = lineStart(text, start);
    return text.slice(line, start).trim() === '' ? withNotes(text, line) : start;
  });
  const end = lineEnd(text, Math.max(trimmedEnd(text, 0, rangeOf(node)[1]) - 1, starts.at(-1) ?? 0));
  return from.map((start, at) => ({ from: start, lineFrom: lineStart(text, start), to: at + 1 < from.length ? (from[at + 1] ?? end) : end }));
}

/** Notes right above a line belong to it. */
function withNotes(text: string, line: number): number {
  let from = line;
  while (from > 0) {
    const before = lineStart(text, from - 1);
    if (!/^\s+#/.test(text.slice(before, from))) return from;
    from = before;
  }
  return from;
}

/** An item or a pair in another place of its collection. */
export const move = sound(reorder);

function reorder(text: string, path: Path, from: number, to: number): string | undefined {
  const doc = read(text);
  const node = doc ? way(doc, path).at(-1) : undefined;
  if (!doc || !isCollection(node) || way(doc, path).length <= path.length) return undefined;
  if (from === to || from < 0 || to < 0 || from >= node.items.length || to >= node.items.length) return text;
  const order = node.items.map((_, at) => at);
  order.splice(to, 0, ...order.splice(from, 1));
  const flow = flowRoot(way(doc, path));
  if (flow) {
    const items = node.items as unknown[];
    const moved = order.map((at) => items[at]);
    items.splice(0, items.length, ...moved);
    return replaceNode(text, flow, doc);
  }
  const blocks = blocksOf(text, node);
  const [first, last] = [blocks?.[0], blocks?.at(-1)];
  if (!blocks || !first || !last) return undefined;
  const body = (block: Block) => {
    const piece = text.slice(block.from, block.to);
    return piece.endsWith('\n') ? piece : `${piece}\n`;
  };
  // Behind a dash the first pair begins in the middle of its line; all others at its beginning.
  const column = columnOf(text, first.from);
  const pieces = order.map((at, place) => {
    const block = blocks[at];
    if (!block) return '';
    const piece = body(block);
    if (column === 0) return piece;
    const own = columnOf(text, block.from) === 0 ? piece.slice(column) : piece;
    return place === 0 ? own : ' '.repeat(column) + own;
  });
  return text.slice(0, first.from) + pieces.join('') + text.slice(last.to);
}

/** With an item at a place of a list. */
export const insertItem = sound(insert);

function insert(text: string, path: Path, at: number, value: unknown): string | undefined {
  const doc = read(text);
  if (!doc) return undefined;
  const nodes = way(doc, path);
  const node = nodes.length > path.length ? nodes.at(-1) : undefined;
  if (!isSeq(node) || node.items.length === 0) return set(text, path, [value]);
  const flow = flowRoot(nodes);
  if (flow) {
    node.items.splice(at, 0, doc.createNode(value));
    return replaceNode(text, flow, doc);
  }
  const blocks = blocksOf(text, node);
  const last = blocks?.at(-1);
  if (!blocks || !last) return undefined;
  const start = text.lastIndexOf('-', rangeOf(node.items[0])[0] - 1);
  const column = columnOf(text, start);
  const piece = `${' '.repeat(column)}- ${indented(written(value, false), column + 2)}\n`;
  const target = blocks[at];
  const place = target ? target.from : last.to;
  const spaced = /\n\n/.test(text.slice(blocks[0]?.from, last.to));
  const before = text.slice(0, place);
  const gap = before.endsWith('\n') ? '' : '\n';
  if (target) return `${before}${piece}${spaced ? '\n' : ''}${text.slice(place)}`;
  return `${before}${gap}${spaced ? '\n' : ''}${piece}${text.slice(place)}`;
}

/** With another name for a key; its value and its place stay. */
export const rename = sound(called);

function called(text: string, path: Path, to: string): string | undefined {
  const doc = read(text);
  if (!doc) return undefined;
  const parent = way(doc, path.slice(0, -1)).at(-1);
  const child = isCollection(parent) ? children(parent).find((one) => one.key === path.at(-1)) : undefined;
  if (!child?.pair) return undefined;
  const [from, end] = rangeOf(child.pair.key);
  return text.slice(0, from) + written(to, true) + text.slice(end);
}
