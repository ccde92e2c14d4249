/** What may be written at a place: from the language's schema and from the definition itself. Pure. */
import { namesBelow, placeAt, stageNames, type CodePlace } from './place';
import { keysAt, sayingAt, valuesAt, type Proposal, type Schema } from './schema';

/** Names that stand elsewhere. */
export interface Known {
  agents: readonly string[];
  pipelines: readonly string[];
}

export interface Completed {
  from: number;
  proposals: Proposal[];
  place: CodePlace;
}

const names = (all: readonly string[], says: string): Proposal[] => all.map((label) => ({ label, says, kind: 'name' }));

/** Keys whose values name stages of the same definition. */
const STAGES = ['depends_on', 'parallel_with', 'rollback_to', 'merge'];

function named(path: CodePlace['path'], text: string, known: Known): Proposal[] {
  const key = [...path].reverse().find((step) => typeof step === 'string');
  if (key === undefined) return [];
  if (STAGES.includes(String(key))) return names(stageNames(text), 'a stage of this pipeline');
  if (key === 'agent' || key === 'members' || key === 'meta_agent') return names(known.agents, 'an agent');
  if (key === 'pipeline') return names(known.pipelines, 'a pipeline');
  return [];
}

/** Behind `${`. */
function expressions(text: string): Proposal[] {
  return [
    ...names(namesBelow(text, 'inputs'), 'an input'),
    ...names(namesBelow(text, 'variables'), 'a variable'),
    ...stageNames(text).map((name): Proposal => ({ label: `stages.${name}.outputs.`, says: 'an output of a stage', kind: 'name' })),
    ...namesBelow(text, 'secrets').map((name): Proposal => ({ label: `secrets.${name}`, says: 'a secret', kind: 'name' })),
    ...names(['run.name', 'item'], ''),
  ];
}

export function completed(root: Schema, text: string, offset: number, known: Known): Completed | undefined {
  const place = placeAt(text, offset);
  if (!place) return undefined;
  if (place.kind === 'value') {
    const open = /\$\{([\w.-]*)$/.exec(place.typed);
    if (open) return { from: offset - (open[1] ?? '').length, proposals: expressions(text), place };
    const typed = /^["']?/.exec(place.typed)?.[0] ?? '';
    const used = place.typed.slice(typed.length);
    if (/[^\w.-]/.test(used)) return undefined;
    const proposals = [...named(place.path, text, known), ...valuesAt(root, place.path)];
    return { from: offset - used.length, proposals, place };
  }
  const keys = keysAt(root, place.path, place.present);
  // `- ` may begin a value as well as a map.
  const values = place.present.length === 0 && place.path.at(-1) === 0 ? [...named(place.path, text, known), ...valuesAt(root, place.path)] : [];
  return { from: place.from, proposals: [...keys, ...values], place };
}

/** What the documentation says about a key, by its path. */
export function documented(root: Schema, path: CodePlace['path']): string {
  return sayingAt(root, path);
}
