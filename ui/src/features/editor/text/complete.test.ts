import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { completed } from './complete';
import { keyAt, namesBelow, placeAt, stageNames } from './place';
import { sayingAt, type Schema } from './schema';

const schema = JSON.parse(readFileSync(new URL('../../../../../docs/reference/pipeline.schema.json', import.meta.url), 'utf8')) as Schema;
const known = { agents: ['architect'], pipelines: ['nightly'] };

/** `|` is where the cursor stands. */
const at = (text: string) => placeAt(text.replace('^', ''), text.indexOf('^'));
const labels = (text: string) => completed(schema, text.replace('^', ''), text.indexOf('^'), known)?.proposals.map((one) => one.label) ?? [];

test('a place is found by columns', () => {
  expect(at('na^')).toMatchObject({ kind: 'key', path: [], typed: 'na' });
  expect(at('name: x\nstages:\n  - name: a\n    ru^')).toMatchObject({ kind: 'key', path: ['stages', 0], typed: 'ru', present: ['name'] });
  expect(at('stages:\n  - name: a\n    retry:\n      ba^')).toMatchObject({ path: ['stages', 0, 'retry'] });
  expect(at('stages:\n- name: a\n  ru^\n  env: {}\n')).toMatchObject({ path: ['stages', 0], present: ['name', 'env'] });
  expect(at('stages:\n  - na^')).toMatchObject({ kind: 'key', path: ['stages', 0] });
  expect(at('stages:\n  - name: a\n  - name: b\n    on_failure: ^')).toMatchObject({ kind: 'value', path: ['stages', 0, 'on_failure'], typed: '' });
  expect(at('inputs:\n  goal: str^')).toMatchObject({ kind: 'value', path: ['inputs', 'goal'], typed: 'str' });
});

test('also within braces and brackets', () => {
  expect(at('stages:\n  - {name: a, ru^')).toMatchObject({ kind: 'key', path: ['stages', 0], typed: 'ru', present: ['name'] });
  expect(at('stages:\n  - {name: a, depends_on: [b, ^')).toMatchObject({ kind: 'value', path: ['stages', 0, 'depends_on', 0], typed: '' });
  expect(at('stages:\n  - name: a\n    retry: {max_attempts: 3, backoff: {in^')).toMatchObject({ kind: 'key', path: ['stages', 0, 'retry', 'backoff'] });
});

test('nothing is proposed in notes and in blocks of text', () => {
  expect(at('name: x # na^')).toBeUndefined();
  expect(at('stages:\n  - name: a\n    run: |\n      echo de^')).toBeUndefined();
  expect(at('stages:\n  - name: a\n    run: |\n      echo\n\n      de^')).toBeUndefined();
  expect(at('stages:\n  - name: a\n    run: |\n      echo\n    de^')).toMatchObject({ path: ['stages', 0], typed: 'de' });
});

test('keys come from the schema, without those that are there', () => {
  const top = labels('name: x\n^');
  expect(top).toContain('stages');
  expect(top).not.toContain('name');
  expect(labels('stages:\n  - name: a\n    re^')).toEqual(expect.arrayContaining(['retry', 'run', 'requires_approval']));
  expect(labels('stages:\n  - name: a\n    retry:\n      ^')).toContain('backoff');
  expect(labels('stages:\n  - name: a\n    form:\n      fields:\n        v: {ty^')).toEqual(expect.arrayContaining(['type', 'required']));
});

test('values come from the schema and from the definition', () => {
  expect(labels('stages:\n  - name: a\n    on_failure: ^')).toEqual(['halt', 'continue', 'isolate', 'rollback']);
  expect(labels('stages:\n  - name: a\n    noop: t^')).toContain('true');
  expect(labels('stages:\n  - name: build\n    run: x\n  - name: b\n    depends_on: [^')).toEqual(['build', 'b']);
  expect(labels('stages:\n  - name: build\n  - name: b\n    depends_on:\n      - bu^')).toContain('build');
  expect(labels('stages:\n  - name: a\n    agent: ^')).toContain('architect');
  expect(labels('stages:\n  - name: a\n    pipeline: ^')).toContain('nightly');
  expect(labels('inputs: {who: string}\nstages:\n  - name: plan\n    env: {W: "${^')).toEqual(expect.arrayContaining(['who', 'stages.plan.outputs.']));
  expect(labels('description: de^')).toEqual([]);
});

test('names are read from what is written', () => {
  expect(stageNames('stages:\n  - name: a\n    input_mapping:\n      - name: no\n  - {name: b}\n  - {run: x, name: c}\n')).toEqual(['a', 'b', 'c']);
  expect(namesBelow('inputs:\n  a: string\n  b:\n    type: string\nstages: []', 'inputs')).toEqual(['a', 'b']);
  expect(namesBelow('secrets: [x, y]\n', 'secrets')).toEqual(['x', 'y']);
});

test('what a key is for is said where it stands', () => {
  const text = 'stages:\n  - name: a\n    depends_on: [b]\n';
  const key = keyAt(text, text.indexOf('depends_on') + 4);
  expect(key?.path).toEqual(['stages', 0, 'depends_on']);
  expect(sayingAt(schema, key?.path ?? [])).toMatch(/^Stages/);
  expect(keyAt(text, text.indexOf('[b]') + 1)).toBeUndefined();
});
