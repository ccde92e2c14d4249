/** A definition as a list of stages to be filled in, and what filling in makes of its text. Pure. */
import { insertItem, move, read, rename, setIn } from './yaml';

export const WORKS = ['run', 'form', 'agent', 'pipeline', 'noop', 'other'] as const;
export type Work = (typeof WORKS)[number];

export const WORK_WORDS: Record<Work, string> = {
  run: 'Runs a script',
  form: 'Asks a person',
  agent: 'Lets an agent work',
  pipeline: 'Runs another pipeline',
  noop: 'Does nothing: a milestone',
  other: 'Something else, written in YAML',
};

export interface StageForm {
  /** Its place in the list. */
  at: number;
  name: string;
  work: Work;
  /** As it is written. */
  value: Record<string, unknown>;
  /** Nothing: after the stage above it. */
  dependsOn: string[] | undefined;
  /** Keys that are not filled in here. */
  elsewhere: string[];
}

export interface Outline {
  name: string;
  description: string;
  stages: StageForm[];
}

const SHOWN = new Set(['name', 'description', 'run', 'form', 'agent', 'task', 'noop', 'depends_on', 'requires_approval', 'approve_complete', 'approvers', 'quorum', 'max_revisions', 'auto_advance', 'human', 'timeout', 'retry']);
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const words = (value: unknown): string => (value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));

export function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(words) : value === undefined || value === null || value === '' ? [] : [words(value)];
}

function workOf(value: Record<string, unknown>): Work {
  if ('run' in value) return 'run';
  if ('form' in value) return 'form';
  if (typeof value['agent'] === 'string') return 'agent';
  if (typeof value['pipeline'] === 'string') return 'pipeline';
  return 'noop' in value ? 'noop' : 'other';
}

/** Nothing while the text is no YAML, or has no list of stages. */
export function outline(text: string): Outline | undefined {
  const root = read(text)?.toJS() as unknown;
  if (!isRecord(root) || (root['stages'] !== undefined && root['stages'] !== null && !Array.isArray(root['stages']))) return undefined;
  const stages = ((root['stages'] as unknown[] | null | undefined) ?? []).map((one, at): StageForm => {
    const value = isRecord(one) ? one : {};
    const work = workOf(value);
    const shown = (key: string) => SHOWN.has(key) || (key === 'pipeline' && work === 'pipeline');
    return {
      at,
      name: words(value['name'] ?? value['group']) || `entry ${at + 1}`,
      work,
      value,
      dependsOn: 'depends_on' in value ? listOf(value['depends_on']) : undefined,
      elsewhere: Object.keys(value).filter((key) => !shown(key)),
    };
  });
  return { name: words(root['name']), description: words(root['description']), stages };
}

/** A name that no stage has. */
export function freeName(stages: readonly StageForm[], wish: string): string {
  const taken = new Set(stages.map((stage) => stage.name));
  if (!taken.has(wish)) return wish;
  for (let n = 2; ; n += 1) if (!taken.has(`${wish}-${n}`)) return `${wish}-${n}`;
}

const BEGUN: Record<Work, Record<string, unknown>> = {
  run: { run: 'echo "to be written"' },
  form: { form: { instructions: 'What is to be known?', fields: { answer: 'text' } } },
  agent: { agent: 'implementer', task: 'What is to be done' },
  pipeline: { pipeline: 'other' },
  noop: { noop: true },
  other: {},
};

/** At the end: with what the last stage leads to, where the others name what they wait for. */
export function withStage(text: string, name: string, work: Work): string | undefined {
  const { stages } = outline(text) ?? { stages: [] };
  const last = stages.at(-1);
  const named = stages.some((stage) => stage.dependsOn !== undefined) && last ? { depends_on: [last.name] } : {};
  return insertItem(text, ['stages'], stages.length, { name, ...named, ...BEGUN[work] });
}

/** What a stage does becomes something else: what it did before goes. */
export function withWork(text: string, stage: StageForm, work: Work): string | undefined {
  let next: string | undefined = text;
  const [first, ...more] = Object.entries(BEGUN[work]);
  // The new first: a stage that does nothing at all could not be written.
  if (first) next = setIn(next, ['stages', stage.at, first[0]], first[1]);
  for (const [key, value] of more) next = next === undefined ? next : setIn(next, ['stages', stage.at, key], value);
  for (const key of ['run', 'form', 'agent', 'task', 'pipeline', 'noop']) {
    if (key in stage.value && !(key in BEGUN[work])) next = next === undefined ? next : setIn(next, ['stages', stage.at, key], undefined);
  }
  return next;
}

/** Whoever names it: by `depends_on` and its like. */
export function dependants(stages: readonly StageForm[], name: string): string[] {
  return stages.filter((stage) => ['depends_on', 'parallel_with', 'rollback_to'].some((key) => listOf(stage.value[key]).includes(name))).map((stage) => stage.name);
}

/** Under another name, also where others name it. */
export function renamed(text: string, stage: StageForm, to: string): string | undefined {
  const stages = outline(text)?.stages ?? [];
  let next = setIn(text, ['stages', stage.at, 'name'], to);
  for (const other of stages) {
    for (const key of ['depends_on', 'parallel_with', 'rollback_to']) {
      const value = other.value[key];
      if (next === undefined || !listOf(value).includes(stage.name)) continue;
      next = setIn(next, ['stages', other.at, key], Array.isArray(value) ? value.map((one) => (one === stage.name ? to : (one as unknown))) : to);
    }
  }
  const escaped = stage.name.replace(/[-]/g, '\\-');
  return next?.replace(new RegExp(`(\\bstages\\.)${escaped}(?=\\.)`, 'g'), `$1${to}`);
}

/** Without it: whoever waited for it waits for what it waited for. */
export function without(text: string, stage: StageForm): string | undefined {
  const stages = outline(text)?.stages ?? [];
  let next: string | undefined = text;
  for (const other of stages) {
    if (other.dependsOn === undefined || !other.dependsOn.includes(stage.name)) continue;
    const waits = other.dependsOn.flatMap((name) => (name === stage.name ? (stage.dependsOn ?? []) : [name]));
    next = next === undefined ? next : setIn(next, ['stages', other.at, 'depends_on'], [...new Set(waits)]);
  }
  return next === undefined ? next : setIn(next, ['stages', stage.at], undefined);
}

export const movedStage = (text: string, from: number, to: number): string | undefined => move(text, ['stages'], from, to);

export const KINDS = ['text', 'multiline_text', 'number', 'boolean', 'select', 'date', 'file'] as const;

export interface FieldForm {
  name: string;
  kind: string;
  label: string;
  help: string;
  required: boolean;
  options: string[];
  initial: string;
  /** Rules that are not filled in here. */
  elsewhere: string[];
  /** Written as a map, and not as its kind alone. */
  long: boolean;
}

const FIELD_SHOWN = new Set(['type', 'label', 'help', 'required', 'options', 'default']);

/** Of `form` or `human`, as it is written. */
export function fieldsOf(form: unknown): FieldForm[] {
  const fields = isRecord(form) && isRecord(form['fields']) ? form['fields'] : {};
  return Object.entries(fields).map(([name, one]) => {
    const value = isRecord(one) ? one : {};
    return {
      name,
      kind: isRecord(one) ? words(one['type'] ?? 'text') : words(one),
      label: words(value['label']),
      help: words(value['help']),
      required: value['required'] === true,
      options: listOf(value['options']),
      initial: words(value['default']),
      elsewhere: Object.keys(value).filter((key) => !FIELD_SHOWN.has(key)),
      long: isRecord(one),
    };
  });
}

type FieldPath = readonly (string | number)[];

/** One rule of a field: `path` leads to the form. */
export function withField(text: string, path: FieldPath, field: FieldForm, key: string, value: unknown): string | undefined {
  const at = [...path, 'fields', field.name];
  if (field.long) return setIn(text, [...at, key], value);
  if (value === undefined) return text;
  return setIn(text, at, key === 'type' ? value : { type: field.kind, [key]: value });
}

export function newField(text: string, path: FieldPath, fields: readonly FieldForm[]): string | undefined {
  let name = 'field';
  for (let n = 2; fields.some((field) => field.name === name); n += 1) name = `field_${n}`;
  return setIn(text, [...path, 'fields', name], 'text');
}

export const renamedField = (text: string, path: FieldPath, field: FieldForm, to: string): string | undefined => rename(text, [...path, 'fields', field.name], to);
export const movedField = (text: string, path: FieldPath, from: number, to: number): string | undefined => move(text, [...path, 'fields'], from, to);
export const withoutField = (text: string, path: FieldPath, field: FieldForm): string | undefined => setIn(text, [...path, 'fields', field.name], undefined);

/** What was typed as a default, as the kind takes it. */
export function typedDefault(kind: string, typed: string): unknown {
  if (typed === '') return undefined;
  if (kind === 'number') return Number.isNaN(Number(typed)) ? typed : Number(typed);
  if (kind === 'boolean') return typed === 'true';
  return typed;
}
