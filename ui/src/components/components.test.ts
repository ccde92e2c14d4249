import { describe, expect, test } from 'vitest';
import type { Graph, StageView } from '../api/types';
import { bar } from './bar';
import { lineDiff } from './diff';
import { ofForm, ofInput, read, readAll, shown, uploaded } from './fields';
import { fits, parseFilter } from './filter';
import { concerned, fit, foundIn, isInSight, lookedAt, minimapOf, neighbour, nodeAt, opening, READABLE, resized, sceneOf, withStages, zoomed, type Scene } from './graph/scene';
import { blocks } from './markdown';
import { modesWithin } from './mode';
import { match, runPlace, runRef } from './places';
import { cells, kindOf } from './preview';
import { heights } from './spark';
import { LOOKS, lookOf, SHAPES } from './status';
import { bytes, duration, relative, shortened, thousands, withPlainTimes } from './text';
import { tokens } from './yaml';

describe('statuses', () => {
  test('of the API all have a look', () => {
    const words =
      'pending running waiting paused cancelling succeeded failed cancelled blocked listening queued retrying stopping waiting_approval waiting_input waiting_environment held unknown skipped not_run stopped lost approved rejected changes_requested timed_out void open submitted superseded would_have online draining drained shadow pilot production';
    for (const word of words.split(' ')) expect(LOOKS).toHaveProperty(word);
  });

  test('of one hue are told apart by shape or word', () => {
    const looks = Object.values(LOOKS).map((look) => `${look.hue} ${look.shape} ${look.word}`);
    const clashes = looks.filter((look, place) => looks.indexOf(look) !== place);
    expect(clashes.every((look) => /Pending|Waiting/.test(look))).toBe(true);
    for (const { shape } of Object.values(LOOKS)) expect(SHAPES).toHaveProperty(shape);
    expect(lookOf('something new').word).toBe('something new');
  });
});

describe('words', () => {
  test('for times are those of the command line', () => {
    expect([400, 31_000, 131_000, 3_720_000, 273_600_000].map(duration)).toEqual(['0.4s', '31.0s', '2m11s', '1h02m', '3d04h']);
    expect(relative(0, 420_000)).toBe('7m ago');
    expect(relative(7_200_000, 0)).toBe('in 2h');
  });
  test('for sizes and names', () => {
    expect([bytes(412), bytes(1_468_006)]).toEqual(['412 B', '1.4 MiB']);
    expect(thousands(1_204_000)).toBe('1,204,000');
    expect(shortened('a-very-long-name', 9)).toBe('a-ve…name');
  });
});

describe('places', () => {
  test('of runs are as they are called', () => {
    expect(runPlace('feature-complete#42', { stage: 'a[2]' }, '#L8')).toBe('/runs/feature-complete/42?stage=a%5B2%5D#L8');
    expect(runPlace('TASK-7-3')).toBe('/runs/TASK-7-3');
    expect(runRef('a#2')).toBe('a~2');
  });
  test('are matched part by part', () => {
    expect(match('/runs/:run/:number', '/runs/a%20b/3')).toEqual({ run: 'a b', number: '3' });
    expect(match('/runs/:run', '/runs')).toBeUndefined();
    expect(match('/runs', '/inbox')).toBeUndefined();
    expect(match('/runs/:run', '/runs/%zz')).toBeUndefined();
  });
});

test('a bar is made of all that the stages are made of', () => {
  const of = { total: 7, settled: 6, running: 0, waiting: 1, succeeded: 6, failed: 0, skipped: 0, not_run: 0, cancelled: 0 };
  expect(bar({ ...of, succeeded: 4, would_have: 2 }).map(({ hue, share }) => [hue, Math.round(share * 7)])).toEqual([['success', 4], ['attention', 1], ['would', 2]]);
});

test('a run may be as bold as the installation, or more careful', () => {
  expect(modesWithin('production')).toEqual(['shadow', 'pilot', 'production']);
  expect(modesWithin('shadow')).toEqual(['shadow']);
  expect(modesWithin('something')).toEqual([]);
});

test('times in words of the server are told to the second', () => {
  expect(withPlainTimes('held by ana since 2026-11-21T21:58:54.123456789Z')).toBe('held by ana since 2026-11-21 21:58:54 UTC');
  expect(withPlainTimes('r2026')).toBe('r2026');
});

test('a filter is keys and words', () => {
  const filter = parseFilter('status:failed,cancelled  Night  by:ana');
  expect(filter).toEqual({ keys: { status: ['failed', 'cancelled'], by: ['ana'] }, words: ['night'] });
  expect(fits(filter, { status: 'failed', by: 'Ana', name: 'nightly' })).toBe(true);
  expect(fits(filter, { status: 'failed', by: undefined, name: 'nightly' })).toBe(false);
  expect(fits(filter, { status: 'succeeded', by: 'ana', name: 'nightly' })).toBe(false);
});

describe('fields', () => {
  const input = (kind: string, more: object = {}) => ofInput({ name: 'x', kind, description: '', required: false, ...more });
  test('are read by their kind', () => {
    expect(read(input('integer'), '4.5')).toEqual({ problem: 'this has to be a whole number' });
    expect(read(input('number'), '4.5')).toEqual({ value: 4.5 });
    expect(read(input('boolean'), true)).toEqual({ value: true });
    expect(read(input('list'), '[1,2]')).toEqual({ value: [1, 2] });
    expect(read(input('list'), 'one')).toEqual({ problem: 'this is not JSON' });
    expect(read(input('string'), '')).toEqual({ value: undefined });
    expect(read(input('string', { required: true }), '')).toEqual({ problem: 'this is needed' });
  });
  test('offer what there is to choose', () => {
    expect(input('string', { schema: { enum: ['a', 'b'] } })).toMatchObject({ kind: 'select', options: ['a', 'b'] });
  });
  test('of a file hold what was uploaded', () => {
    const file = { name: 'a.log', digest: 'f'.repeat(64), bytes: 3 };
    const field = ofForm({ name: 'log', kind: 'file', label: '', help: '', required: false, rules: {} } as never, { log: file });
    const text = shown(field, field.initial);
    expect(uploaded(String(text))).toEqual(file);
    expect(read(field, text)).toEqual({ value: file });
    expect(uploaded('')).toBeUndefined();
  });
  test('of a form begin with what was there', () => {
    const field = ofForm({ name: 'v', kind: 'text', label: '', help: '', required: true, rules: {} } as never, { v: '1.2' });
    expect(field).toMatchObject({ label: 'v', initial: '1.2' });
    expect(readAll([field], { v: '' }).problems).toEqual({ v: 'this is needed' });
  });
});

describe('a graph', () => {
  const graph: Graph = {
    pipeline: 'p',
    revision: 1,
    width: 3,
    height: 2,
    nodes: [
      { name: 'a', kind: 'run', x: 0, y: 0 },
      { name: 'b', kind: 'run', x: 1, y: 0 },
      { name: 'c', kind: 'run', x: 1, y: 1 },
      { name: 'd', kind: 'run', x: 2, y: 0 },
    ],
    edges: [
      { from: 0, to: 1 },
      { from: 0, to: 2 },
      { from: 1, to: 3 },
      { from: 0, to: 3, via: [[1, 1]] },
    ],
  };
  const scene = sceneOf(graph);
  const row = (name: string, status: string, instance: number | null = null) => ({ name, stage: name.replace(/\[.*/, ''), instance, status, attempts: [] }) as unknown as StageView;

  test('does not move when its run does', () => {
    const later = withStages(scene, [row('a', 'succeeded'), row('b', 'running'), row('b[1]', 'failed', 1), row('b[2]', 'succeeded', 2)]);
    expect(later.nodes.map(({ x, y }) => [x, y])).toEqual(scene.nodes.map(({ x, y }) => [x, y]));
    expect(later.nodes[0]?.status).toBe('succeeded');
    expect(later.nodes[1]).toMatchObject({ status: 'running', crowd: [['failed', 1], ['succeeded', 1]] });
  });

  test('is walked along its edges', () => {
    expect(neighbour(scene, 0, 'right')).toBe(1);
    expect(neighbour(scene, 1, 'down')).toBe(2);
    expect(neighbour(scene, 3, 'left')).toBeDefined();
    expect(neighbour(scene, 0, 'left')).toBeUndefined();
  });

  test('knows what a failure concerns', () => {
    expect([...concerned(scene, 1)].sort()).toEqual([0, 1, 3]);
    expect(foundIn(scene, 'B')).toEqual([1]);
    expect(foundIn(scene, ' ')).toEqual([]);
  });

  test('is wholly in sight when it is opened, down to what can be read', () => {
    const chain = (many: number, high = 1): Scene =>
      sceneOf({ pipeline: 'p', revision: 1, width: many, height: high, edges: [], nodes: Array.from({ length: many }, (_, x) => ({ name: `s${x}`, kind: 'run', x, y: x === 0 ? Math.floor(high / 2) : 0 })) });
    const eight = chain(8);
    const view = opening(eight, 640, 240);
    expect(eight.nodes.every((_, at) => isInSight(eight, at, view, 640, 240))).toBe(true);
    // Too long: as small as can be read, with its first stage in sight, wherever that stands.
    const long = chain(40, 100);
    const first = opening(long, 640, 240);
    expect(first.zoom).toBe(READABLE);
    expect(isInSight(long, 0, first, 640, 240)).toBe(true);
    expect(isInSight(long, 39, first, 640, 240)).toBe(false);
  });

  test('keeps its middle when there is less room', () => {
    const [from, to] = [{ width: 900, height: 400 }, { width: 500, height: 300 }];
    const view = { zoom: 0.5, x: -200, y: -40 };
    const less = resized(view, from, to);
    const middle = (one: typeof view, size: typeof from) => [(size.width / 2 - one.x) / one.zoom, (size.height / 2 - one.y) / one.zoom];
    expect(middle(less, to)).toEqual(middle(view, from));
  });

  test('fits, and is found under the pointer at any zoom', () => {
    // All of it is in sight: there is nothing to look for.
    expect(minimapOf(scene, fit(scene, 300, 200), 300, 200, { width: 100, height: 50 })).toBeUndefined();
    const moved = { zoom: 1, x: -100, y: 0 };
    const map = minimapOf(scene, moved, 200, 100, { width: scene.width / 4, height: 1000 });
    expect(map).toMatchObject({ zoom: 0.25, sight: { x: 25, y: 0, width: 50, height: 25 } });
    if (map) expect(lookedAt(map, 50, 12.5, moved, 200, 100)).toEqual(moved);
    const view = fit(scene, 300, 200);
    const node = scene.nodes[3];
    expect(nodeAt(scene, view, ((node?.x ?? 0) + 5) * view.zoom + view.x, ((node?.y ?? 0) + 5) * view.zoom + view.y)).toBe(3);
    const near = zoomed(view, 2, 40, 40);
    expect((40 - near.x) / near.zoom).toBeCloseTo((40 - view.x) / view.zoom, 6);
  });
});

test('a diff shows what changed with its surroundings', () => {
  const before = Array.from({ length: 20 }, (_, line) => `line ${line}`).join('\n');
  const lines = lineDiff(before, before.replace('line 10', 'line ten'));
  expect(lines.filter((line) => line.kind !== ' ').map((line) => `${line.kind}${line.text}`)).toEqual(['@7 equal lines', '-line 10', '+line ten', '@6 equal lines']);
});

test('bars of a spark never vanish', () => {
  const tall = heights([{ status: 'succeeded', ms: 1 }, { status: 'failed', ms: 100_000 }, { status: 'queued', ms: undefined }]);
  expect(Math.min(...tall)).toBeGreaterThanOrEqual(5);
  expect(tall[1]).toBe(20);
});

test('markdown is blocks, and never markup', () => {
  expect(blocks('# A\n\n- one\n- two\n\n```\n<b>\n```\n| a | b |\n|---|---|\n| 1 | 2 |\n').map((block) => block.kind)).toEqual(['heading', 'list', 'code', 'table']);
  expect(blocks('<script>alert(1)</script>')).toEqual([{ kind: 'text', text: '<script>alert(1)</script>' }]);
  expect(blocks('* a\n#x').length).toBeGreaterThan(0);
});

test('cells are read as RFC 4180 has them', () => {
  expect(cells('a,"b ""c"", d"\r\n1,2\n', ',', 10)).toEqual([['a', 'b "c", d'], ['1', '2']]);
  expect(kindOf('out/report.MD', '')).toBe('markdown');
});

test('a definition keeps all of its text', () => {
  for (const line of ['  - name: "a # b" # note', 'run: |', 'x', '', '# all']) {
    expect(tokens(line).map((token) => token.text).join('')).toBe(line);
  }
});
