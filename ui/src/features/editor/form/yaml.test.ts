import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { insertItem, move, setIn } from './yaml';

const TEXT = `# The head.
name: ship   # its name
stages:
  # builds
  - name: build
    run: |
      make all
      make test
    retry: 2 # twice

  - {name: scan, run: ./scan.sh, depends_on: [build]}
  # ships
  - name: ship
    depends_on: [build, scan]
    form:
      fields:
        # the version
        version: {type: text, required: true}
        notes: multiline_text
    run: ./ship.sh
`;

const lines = (text: string | undefined) => (text ?? '').split('\n');

/** Lines of the one that the other has not. */
const changed = (before: string, after: string | undefined) => lines(after).filter((line) => !lines(before).includes(line));

describe('a value', () => {
  test('takes the place of another, and nothing else moves', () => {
    const after = setIn(TEXT, ['stages', 0, 'retry'], 3);
    expect(changed(TEXT, after)).toEqual(['    retry: 3 # twice']);
    expect(changed(TEXT, setIn(TEXT, ['name'], 'other'))).toEqual(['name: other   # its name']);
  });

  test('comes behind what is there', () => {
    const after = setIn(TEXT, ['stages', 0, 'timeout'], '5m');
    expect(after).toContain('    retry: 2 # twice\n    timeout: 5m\n\n  - {name: scan');
    expect(setIn('name: a', ['description'], 'b')).toBe('name: a\ndescription: b');
  });

  test('of several lines is written as a block', () => {
    const after = setIn(TEXT, ['stages', 0, 'run'], 'one\ntwo\n');
    expect(after).toContain('    run: |\n      one\n      two\n    retry: 2');
    expect(parse(after ?? '').stages[0].run).toBe('one\ntwo\n');
  });

  test('within braces is written there', () => {
    expect(changed(TEXT, setIn(TEXT, ['stages', 1, 'timeout'], '5m'))).toEqual(['  - {name: scan, run: ./scan.sh, depends_on: [build], timeout: 5m}']);
    expect(changed(TEXT, setIn(TEXT, ['stages', 2, 'form', 'fields', 'version', 'required'], false))).toEqual(['        version: {type: text, required: false}']);
  });

  test('deeper than what is there makes the way to it', () => {
    const after = setIn(TEXT, ['stages', 2, 'form', 'fields', 'notes', 'required'], true);
    expect(parse(after ?? '').stages[2].form.fields.notes).toEqual({ required: true });
    expect(after).toContain('# the version');
    expect(parse(setIn(TEXT, ['stages', 0, 'requires_approval', 'quorum'], 2) ?? '').stages[0].requires_approval).toEqual({ quorum: 2 });
  });

  test('goes, and what holds nothing then goes too', () => {
    expect(lines(setIn(TEXT, ['stages', 0, 'retry'], undefined))).not.toContain('    retry: 2 # twice');
    const one = setIn(TEXT, ['stages', 2, 'form', 'fields', 'version'], undefined);
    expect(parse(one ?? '').stages[2].form.fields).toEqual({ notes: 'multiline_text' });
    const none = setIn(one ?? '', ['stages', 2, 'form', 'fields', 'notes'], undefined);
    expect(parse(none ?? '').stages[2]).toEqual({ name: 'ship', depends_on: ['build', 'scan'], run: './ship.sh' });
    expect(setIn(TEXT, ['stages', 0, 'none'], undefined)).toBe(TEXT);
  });

  test('behind a dash goes as any other', () => {
    expect(setIn('stages:\n  - name: a\n    run: x\n', ['stages', 0, 'name'], undefined)).toBe('stages:\n  - run: x\n');
  });

  test('of a text that is no YAML is not changed', () => {
    expect(setIn('a: [', ['b'], 1)).toBeUndefined();
    expect(setIn('- a', ['b'], 1)).toBeUndefined();
  });
});

describe('an item', () => {
  test('is moved with the notes above it', () => {
    const after = move(TEXT, ['stages'], 2, 0) ?? '';
    expect(parse(after).stages.map((one: { name: string }) => one.name)).toEqual(['ship', 'build', 'scan']);
    expect(after.indexOf('# ships')).toBeLessThan(after.indexOf('name: ship\n'));
    expect(after).toContain('  # builds\n  - name: build');
    expect([...lines(after)].sort()).toEqual([...lines(TEXT)].sort());
  });

  test('is moved within a map, and within braces', () => {
    const after = move(TEXT, ['stages', 2, 'form', 'fields'], 1, 0) ?? '';
    expect(Object.keys(parse(after).stages[2].form.fields)).toEqual(['notes', 'version']);
    expect(after).toContain('        # the version\n        version');
    expect(move('a: {x: 1, y: 2}\n', ['a'], 0, 1)).toBe('a: {y: 2, x: 1}\n');
    expect(parse(move('l:\n  - a: 1\n    b: 2\n    c: 3\n', ['l', 0], 2, 0) ?? '').l[0]).toEqual({ a: 1, b: 2, c: 3 });
  });

  test('comes between others, or behind them', () => {
    const stage = { name: 'new', run: 'echo new' };
    const between = insertItem(TEXT, ['stages'], 1, stage) ?? '';
    expect(parse(between).stages.map((one: { name: string }) => one.name)).toEqual(['build', 'new', 'scan', 'ship']);
    const last = insertItem(TEXT, ['stages'], 3, stage) ?? '';
    expect(last.endsWith('  - name: new\n    run: echo new\n')).toBe(true);
    expect(parse(insertItem('name: x\nstages: []\n', ['stages'], 0, stage) ?? '').stages).toEqual([stage]);
    expect(parse(insertItem('name: x\nstages:\n- name: a\n  run: b', ['stages'], 1, stage) ?? '').stages).toHaveLength(2);
  });

  test('goes with its notes', () => {
    const after = setIn(TEXT, ['stages', 2], undefined) ?? '';
    expect(after).not.toContain('# ships');
    expect(parse(after).stages).toHaveLength(2);
    expect(parse(setIn(TEXT, ['stages', 1], undefined) ?? '').stages.map((one: { name: string }) => one.name)).toEqual(['build', 'ship']);
    expect(parse(setIn('stages:\n  - name: a\n', ['stages', 0], undefined) ?? '').stages).toEqual([]);
  });
});

test('what others name by `*name` neither goes nor moves below them', () => {
  const shared = 'x: 1\nstages:\n  - {name: a, env: &e {A: b}}\n  - {name: b, env: *e}\n';
  expect(move(shared, ['stages'], 0, 1)).toBeUndefined();
  expect(setIn(shared, ['stages', 0], undefined)).toBeUndefined();
  expect(parse(setIn(shared, ['x'], 2) ?? '').stages[1].env).toEqual({ A: 'b' });
  expect(setIn('a: *none', ['b'], 1)).toBeUndefined();
});

describe('every template', () => {
  const folder = new URL('../../../../../templates/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  test.each(files)('%s: each stage may be moved, and each key may go and change', (name) => {
    const text = readFileSync(new URL(name, folder), 'utf8');
    /** Refused is right where names of other places would hang in the air, and only there. */
    const shared = /[&*]\w/.test(text);
    const becomes = (after: string | undefined, wanted: unknown) => {
      if (after !== undefined || !shared) expect(parse(after ?? '')).toEqual(wanted);
    };
    const before = parse(text) as { stages: Record<string, unknown>[] };
    for (let from = 0; from < before.stages.length; from += 1) {
      for (const to of new Set([0, from + 1, before.stages.length - 1].filter((place) => place < before.stages.length))) {
        const after = move(text, ['stages'], from, to);
        const wanted = [...before.stages];
        wanted.splice(to, 0, ...wanted.splice(from, 1));
        becomes(after, { ...before, stages: wanted });
      }
      for (const key of Object.keys(before.stages[from] ?? {})) {
        const wanted = structuredClone(before);
        delete wanted.stages[from]?.[key];
        becomes(setIn(text, ['stages', from, key], undefined), wanted);
        const other = structuredClone(before);
        Object.assign(other.stages[from] ?? {}, { [key]: 'x: y # z\n\n w' });
        becomes(setIn(text, ['stages', from, key], 'x: y # z\n\n w'), other);
      }
      const more = structuredClone(before);
      Object.assign(more.stages[from] ?? {}, { new_key: { a: [1, 'b'], c: { d: null } } });
      becomes(setIn(text, ['stages', from, 'new_key'], { a: [1, 'b'], c: { d: null } }), more);
    }
  });
});
