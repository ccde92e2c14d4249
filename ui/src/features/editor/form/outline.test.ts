import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { dependants, fieldsOf, freeName, movedField, newField, outline, renamed, renamedField, typedDefault, withField, without, withoutField, withStage, withWork } from './outline';

const TEXT = `name: ship
stages:
  - name: build
    run: make
  - name: test # all of it
    depends_on: [build]
    run: make test
    retry: {max_attempts: 2}
  - name: deploy
    depends_on: [test, build]
    rollback_to: test
    env: {V: "\${stages.test.outputs.v}"}
    human:
      fields:
        version: text
        why: {type: select, options: [a, b]}
    run: ./deploy
`;
const stage = (name: string, text = TEXT) => {
  const found = outline(text)?.stages.find((one) => one.name === name);
  if (!found) throw new Error(name);
  return found;
};
const stagesOf = (text: string | undefined) => (parse(text ?? '') as { stages: Record<string, unknown>[] }).stages;

test('stages are what they are, and what a form cannot fill in is said', () => {
  const { stages } = outline(TEXT) ?? { stages: [] };
  expect(stages.map((one) => [one.name, one.work, one.dependsOn])).toEqual([['build', 'run', undefined], ['test', 'run', ['build']], ['deploy', 'run', ['test', 'build']]]);
  expect(stage('deploy').elsewhere).toEqual(['rollback_to', 'env']);
  expect(outline('name: x')?.stages).toEqual([]);
  expect(outline('stages: 3')).toBeUndefined();
  expect(outline('a: [')).toBeUndefined();
});

test('a new stage waits for the last one where others name what they wait for', () => {
  expect(stagesOf(withStage(TEXT, 'new', 'noop')).at(-1)).toEqual({ name: 'new', depends_on: ['deploy'], noop: true });
  expect(stagesOf(withStage('name: x\nstages:\n  - {name: a, noop: true}\n', 'b', 'run')).at(-1)).toMatchObject({ name: 'b' });
  expect(stagesOf(withStage('name: x\n', 'a', 'form'))[0]).toMatchObject({ form: { fields: { answer: 'text' } } });
  expect(freeName(outline(TEXT)?.stages ?? [], 'test')).toBe('test-2');
});

test('a stage that does something else does no more what it did', () => {
  expect(stagesOf(withWork(TEXT, stage('build'), 'noop'))[0]).toEqual({ name: 'build', noop: true });
  expect(stagesOf(withWork(TEXT, stage('test'), 'agent'))[1]).toEqual({ name: 'test', depends_on: ['build'], retry: { max_attempts: 2 }, agent: 'implementer', task: 'What is to be done' });
});

test('another name is another name everywhere', () => {
  const after = renamed(TEXT, stage('test'), 'check');
  const [, check, deploy] = stagesOf(after);
  expect(check).toMatchObject({ name: 'check' });
  expect(deploy).toMatchObject({ depends_on: ['check', 'build'], rollback_to: 'check', env: { V: '${stages.check.outputs.v}' } });
  expect(after).toContain('- name: check # all of it');
});

test('whoever waited for what is deleted waits for what that waited for', () => {
  expect(dependants(outline(TEXT)?.stages ?? [], 'test')).toEqual(['deploy']);
  expect(stagesOf(without(TEXT, stage('test'))).map((one) => [one['name'], one['depends_on']])).toEqual([['build', undefined], ['deploy', ['build']]]);
});

test('fields of a form are made, named, ordered and taken away', () => {
  const path = ['stages', 2, 'human'];
  const fields = fieldsOf(stage('deploy').value['human']);
  expect(fields.map((field) => [field.name, field.kind, field.options])).toEqual([['version', 'text', []], ['why', 'select', ['a', 'b']]]);
  const [version, why] = fields;
  if (!version || !why) throw new Error('no fields');
  const form = (text: string | undefined) => (stagesOf(text)[2]?.['human'] ?? {}) as { fields: Record<string, unknown> };
  expect(form(withField(TEXT, path, version, 'required', true)).fields['version']).toEqual({ type: 'text', required: true });
  expect(form(withField(TEXT, path, version, 'type', 'number')).fields['version']).toBe('number');
  expect(form(withField(TEXT, path, why, 'options', ['x'])).fields['why']).toEqual({ type: 'select', options: ['x'] });
  expect(Object.keys(form(newField(TEXT, path, fields)).fields)).toEqual(['version', 'why', 'field']);
  expect(Object.keys(form(renamedField(TEXT, path, version, 'v')).fields)).toEqual(['v', 'why']);
  expect(Object.keys(form(movedField(TEXT, path, 0, 1)).fields)).toEqual(['why', 'version']);
  expect(Object.keys(form(withoutField(TEXT, path, why)).fields)).toEqual(['version']);
  expect([typedDefault('number', '3'), typedDefault('boolean', 'true'), typedDefault('text', '3'), typedDefault('text', '')]).toEqual([3, true, '3', undefined]);
});
