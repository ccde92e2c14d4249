/** Values of a form: from what people type to what the API takes, and what is wrong with them. Pure. */
import type { FieldView, InputOutline } from '../api/types';

export interface FormField {
  name: string;
  kind: 'text' | 'number' | 'boolean' | 'file' | 'multiline_text' | 'select' | 'date' | 'json';
  label: string;
  help: string;
  required: boolean;
  /** Of a select. */
  options: string[];
  initial: unknown;
  integer: boolean;
  rules: Record<string, unknown>;
}

const asList = (value: unknown): string[] => (Array.isArray(value) ? value.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))) : []);

/** An input of a pipeline as a field. */
export function ofInput(input: InputOutline): FormField {
  const rules = (typeof input.schema === 'object' && input.schema !== null ? input.schema : {}) as Record<string, unknown>;
  const options = asList(rules['enum']);
  const kinds: Record<string, FormField['kind']> = { string: 'text', integer: 'number', number: 'number', boolean: 'boolean' };
  const kind = options.length > 0 ? 'select' : (kinds[input.kind] ?? 'json');
  return {
    name: input.name,
    kind,
    label: input.name,
    help: input.description,
    required: input.required,
    options,
    initial: input.default ?? undefined,
    integer: input.kind === 'integer',
    rules,
  };
}

/** A field of a form in a run. */
export function ofForm(field: FieldView, values: Record<string, unknown>): FormField {
  const rules = (field.rules ?? {}) as Record<string, unknown>;
  return {
    name: field.name,
    kind: field.kind,
    label: field.label || field.name,
    help: field.help,
    required: field.required,
    options: asList(rules['options'] ?? rules['enum']),
    initial: values[field.name] ?? rules['default'],
    integer: rules['integer'] === true,
    rules,
  };
}

/** As it stands in the field. */
export function shown(field: FormField, value: unknown): string | boolean {
  if (field.kind === 'boolean') return value === true;
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  return field.kind === 'json' ? JSON.stringify(value, null, 2) : JSON.stringify(value);
}

export type Read = { value: unknown } | { problem: string };

/** What is meant by what was typed; an empty field has no value. */
export function read(field: FormField, typed: string | boolean): Read {
  if (typeof typed === 'boolean') return { value: typed };
  if (typed === '') return field.required ? { problem: 'this is needed' } : { value: undefined };
  switch (field.kind) {
    case 'number': {
      const number = Number(typed);
      if (Number.isNaN(number)) return { problem: 'this is not a number' };
      if (field.integer && !Number.isInteger(number)) return { problem: 'this has to be a whole number' };
      return { value: number };
    }
    case 'boolean':
      return { value: typed === 'true' };
    // What was uploaded, as the server told of it.
    case 'file':
    case 'json':
      try {
        return { value: JSON.parse(typed) as unknown };
      } catch {
        return { problem: 'this is not JSON' };
      }
    case 'text':
    case 'multiline_text':
    case 'select':
    case 'date':
      return { value: typed };
  }
}

export interface Filled {
  values: Record<string, unknown>;
  problems: Record<string, string>;
}

export function readAll(fields: readonly FormField[], typed: Record<string, string | boolean>): Filled {
  const filled: Filled = { values: {}, problems: {} };
  for (const field of fields) {
    const found = read(field, typed[field.name] ?? '');
    if ('problem' in found) filled.problems[field.name] = found.problem;
    else if (found.value !== undefined) filled.values[field.name] = found.value;
  }
  return filled;
}

export interface UploadedFile {
  name: string;
  digest: string;
  bytes: number;
}

/** What a field of a file holds, as text; nothing while there is none. */
export function uploaded(text: string): UploadedFile | undefined {
  if (text === '') return undefined;
  try {
    const found = JSON.parse(text) as Partial<UploadedFile>;
    const { name, digest, bytes } = found;
    return name !== undefined && digest !== undefined && bytes !== undefined ? { name, digest, bytes } : undefined;
  } catch {
    return undefined;
  }
}
