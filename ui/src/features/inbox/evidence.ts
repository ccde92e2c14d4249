/** What somebody agrees to, as people read it: commands as commands, maps as rows, never as JSON. Pure. */
import type { ArtifactView } from '../../api/types';

export type Part =
  | { kind: 'code'; label: string; text: string }
  | { kind: 'prose'; label: string; text: string }
  | { kind: 'rows'; label: string; rows: [name: string, value: string][] };

export interface Evidence {
  /** What a live attempt asks, in its words. */
  question: string;
  /** What may be answered to it; empty: any words. */
  choices: string[];
  /** Short values, beside their names. */
  facts: [label: string, value: string][];
  /** What needs room; what would be run comes first. */
  parts: Part[];
  /** Digests of the files that are laid out for the work. */
  laid: string[];
}

type Map = Record<string, unknown>;

const isMap = (value: unknown): value is Map => typeof value === 'object' && value !== null && !Array.isArray(value);
const mapOf = (value: unknown): Map => (isMap(value) ? value : {});
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);

/** Said elsewhere on the page, or of no use to whoever decides. */
const SILENT = new Set(['instructions', 'pipeline', 'run', 'stage', 'artifacts', 'gate', 'task', 'inquiry', 'environment']);
const LABELS: Record<string, string> = { revision: 'Version', outputs: 'It gave', form: 'What was filled in', asks: 'The form asks for', item: 'Item' };

export function evidenceOf(shown: unknown): Evidence {
  const found: Evidence = { question: '', choices: [], facts: [], parts: [], laid: [] };
  const all = mapOf(shown);
  asked(mapOf(all['inquiry']), found);
  work(mapOf(all['task']), found);
  for (const [name, value] of Object.entries(all)) {
    if (!SILENT.has(name) && !isEmpty(value)) put(found, LABELS[name] ?? capital(name.replaceAll('_', ' ')), value);
  }
  return found;
}

/** Short texts and numbers are facts, everything else stands by itself. */
function put(found: Evidence, label: string, value: unknown): void {
  if (isMap(value)) found.parts.push({ kind: 'rows', label, rows: rowsOf(value) });
  else if (typeof value === 'string' && value.includes('\n')) found.parts.push({ kind: 'code', label, text: value.trimEnd() });
  else found.facts.push([label, /^[0-9a-f]{64}$/.test(String(value)) ? String(value).slice(0, 12) : outline(value)]);
}

function rowsOf(map: Map): [string, string][] {
  return Object.entries(map).map(([name, value]) => [name, outline(value)]);
}

/** A value in lines: what is within it is indented, texts stand as they are. */
export function outline(value: unknown, depth = 0): string {
  const indent = '  '.repeat(depth);
  if (value === null || value === undefined) return 'none';
  if (typeof value !== 'object') return String(value);
  const entries = Array.isArray(value) ? value.map((one): [string, unknown] => ['-', one]) : Object.entries(value);
  if (entries.length === 0) return 'none';
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object' && String(one).length < 40) && depth === 0) return value.join(', ');
  return entries
    .map(([name, one]) => {
      const mark = name === '-' ? '-' : `${name}:`;
      const within = typeof one === 'object' && one !== null && Object.keys(one).length > 0;
      const text = within ? outline(one, depth + 1) : outline(one);
      if (within) return `${indent}${mark}\n${text}`;
      return text.includes('\n') ? `${indent}${mark}\n${text.trimEnd().replace(/^/gm, `${indent}  `)}` : `${indent}${mark} ${text}`;
    })
    .join('\n');
}

const SHELLS = new Set(['sh', 'bash', 'dash', 'zsh', 'ash', 'ksh', 'fish']);

/** What a shell would be told, or the words of one command, quoted where that matters. */
export function commandOf(argv: readonly unknown[]): { by: string; text: string } {
  const words = argv.map(String);
  const [program = '', ...rest] = words;
  const last = rest.at(-1);
  const shell = SHELLS.has(program.slice(program.lastIndexOf('/') + 1)) && rest.at(-2)?.startsWith('-') === true && rest.at(-2)?.endsWith('c') === true;
  if (shell && last !== undefined) return { by: words.slice(0, -1).join(' '), text: last.trimEnd() };
  return { by: '', text: words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ') };
}

/** Keys of a task that have a place of their own below. */
const PLACED = new Set(['command', 'python', 'python_file', 'parameters', 'pipeline', 'inputs', 'agent', 'task', 'env', 'directory', 'working_dir', 'context', 'merge', 'into', 'check', 'input']);

function work(task: Map, found: Evidence): void {
  if (isEmpty(task)) return;
  const { parts, facts } = found;
  if (Array.isArray(task['command'])) {
    const { by, text } = commandOf(task['command']);
    parts.push({ kind: 'code', label: 'Commands it would run', text });
    if (by) facts.push(['Run by', by]);
  }
  if (typeof task['python'] === 'string') parts.push({ kind: 'code', label: 'Python it would run', text: task['python'].trimEnd() });
  if (typeof task['python_file'] === 'string') facts.push(['Python file', task['python_file']]);
  if (typeof task['pipeline'] === 'string') facts.push(['Would start', `pipeline ${task['pipeline']}`]);
  if (!isEmpty(task['agent'])) facts.push([Array.isArray(task['agent']) ? 'Agents' : 'Agent', outline(task['agent'])]);
  if (typeof task['task'] === 'string') parts.push({ kind: 'prose', label: 'What the agent is asked', text: task['task'] });
  if (!isEmpty(task['merge'])) facts.push(['Would merge', `${outline(task['merge'])} into ${outline(task['into'])}`]);
  if (!isEmpty(task['check'])) put(found, 'Checked by', Array.isArray(task['check']) ? commandOf(task['check']).text : task['check']);
  for (const [name, label] of [['inputs', 'With inputs'], ['parameters', 'With parameters'], ['env', 'Variables']] as const) {
    const map = mapOf(task[name]);
    if (!isEmpty(map)) parts.push({ kind: 'rows', label, rows: rowsOf(map) });
  }
  if (!isEmpty(task['input'])) put(found, 'Input', task['input']);
  if (Array.isArray(task['context']) && task['context'].length > 0) facts.push(['It is given', task['context'].join(', ')]);
  else found.laid.push(...Object.values(mapOf(task['context'])).map(String));
  if (!isEmpty(task['working_dir'])) facts.push(['In', String(task['working_dir'])]);
  for (const [name, value] of Object.entries(task)) {
    if (!PLACED.has(name) && !isEmpty(value)) put(found, capital(name.replaceAll('_', ' ')), value);
  }
  if (!isEmpty(task['directory'])) facts.push(['Directory', String(task['directory'])]);
}

/** What an agent wants to know or to do. */
function asked(inquiry: Map, found: Evidence): void {
  if (isEmpty(inquiry)) return;
  found.question = String(inquiry['question'] ?? '');
  found.choices = Array.isArray(inquiry['choices']) ? inquiry['choices'].map(String) : [];
  const detail = mapOf(inquiry['detail']);
  for (const [name, value] of Object.entries(detail)) {
    if (isEmpty(value)) continue;
    if (name === 'command') found.parts.push({ kind: 'code', label: 'Command', text: String(value) });
    else if (name === 'input') {
      // What was said already by command and path is not said twice.
      const rest = Object.entries(mapOf(value)).filter(([, one]) => one !== detail['command'] && one !== detail['path'] && !isEmpty(one));
      for (const [key, one] of rest) put(found, capital(key.replaceAll('_', ' ')), one);
    } else put(found, capital(name), value);
  }
  if (Number(inquiry['attempt'] ?? 0) > 1) found.facts.push(['Attempt', String(inquiry['attempt'])]);
}

/** What can be looked into: what the decision is about, then what the work is given, then what else the run left. */
export function lookInto(own: readonly ArtifactView[], ofRun: readonly ArtifactView[], laid: readonly string[]): { artifact: ArtifactView; why: string }[] {
  const known = new Set(own.map((one) => one.id));
  const others = ofRun.filter((one) => !known.has(one.id) && (one.status === 'promoted' || one.status === 'staged'));
  const given = others.filter((one) => laid.includes(one.digest));
  return [
    ...own.map((artifact) => ({ artifact, why: 'to approve' })),
    ...given.map((artifact) => ({ artifact, why: 'given to it' })),
    ...others.filter((one) => !given.includes(one)).map((artifact) => ({ artifact, why: 'left before it' })),
  ];
}
