/** What the language's JSON Schema says at a place of a definition. Pure. */

export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  type?: string | string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  description?: string;
  examples?: unknown[];
}

export type Path = readonly (string | number)[];

/** All that a schema may be, references followed and choices opened. */
export function choices(root: Schema, schema: Schema | undefined, depth = 0): Schema[] {
  if (!schema || depth > 12) return [];
  if (schema.$ref) return choices(root, root.$defs?.[schema.$ref.replace('#/$defs/', '')], depth + 1);
  const within = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return [schema, ...within.flatMap((one) => choices(root, one, depth + 1))];
}

/** Everything that may stand at a path. */
export function schemasAt(root: Schema, path: Path): Schema[] {
  let found = choices(root, root);
  for (const step of path) {
    const next = found.flatMap((one): (Schema | undefined)[] => {
      if (typeof step === 'number') return [one.items];
      const own = one.properties?.[step];
      if (own) return [own];
      return typeof one.additionalProperties === 'object' ? [one.additionalProperties] : [];
    });
    found = next.flatMap((one) => choices(root, one));
  }
  return found;
}

export interface Proposal {
  label: string;
  says: string;
  kind: 'key' | 'value' | 'name';
}

/** The keys that may be written at a path, but those that are there. */
export function keysAt(root: Schema, path: Path, present: readonly string[]): Proposal[] {
  const found = new Map<string, Proposal>();
  for (const schema of schemasAt(root, path)) {
    for (const [label, one] of Object.entries(schema.properties ?? {})) {
      if (found.has(label) || present.includes(label)) continue;
      found.set(label, { label, says: described(root, one), kind: 'key' });
    }
  }
  return [...found.values()];
}

/** The values that there are, where they can be counted. */
export function valuesAt(root: Schema, path: Path): Proposal[] {
  const found = new Map<string, Proposal>();
  for (const schema of schemasAt(root, path)) {
    const types = Array.isArray(schema.type) ? schema.type : [schema.type];
    // "a text, a number or a boolean" is any scalar: `true` is none of its values that matter.
    const yesNo = types.length === 1 && types[0] === 'boolean' ? [true, false] : [];
    const all = [...(schema.enum ?? []), ...('const' in schema ? [schema.const] : []), ...yesNo];
    for (const value of all) {
      const label = String(value);
      if (!found.has(label)) found.set(label, { label, says: '', kind: 'value' });
    }
  }
  return [...found.values()];
}

/** What is said for people about what stands at a path. */
export function described(root: Schema, schema: Schema | undefined): string {
  return choices(root, schema).find((one) => one.description)?.description ?? '';
}

export function sayingAt(root: Schema, path: Path): string {
  return schemasAt(root, path).find((one) => one.description)?.description ?? '';
}
