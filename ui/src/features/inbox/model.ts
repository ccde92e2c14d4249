/** What waits for people, and what one of it says. Pure. */
import type { ApprovalDetail, ApprovalSummary, InputSummary } from '../../api/types';

export type Item = { kind: 'approval'; of: ApprovalSummary } | { kind: 'form'; of: InputSummary };

export const isForm = (id: string): boolean => id.startsWith('I-');

/** The first due at the top; what is never due after it, the oldest first. */
export function ordered(approvals: readonly ApprovalSummary[], inputs: readonly InputSummary[]): Item[] {
  const all: Item[] = [...approvals.map((of): Item => ({ kind: 'approval', of })), ...inputs.map((of): Item => ({ kind: 'form', of }))];
  const due = (item: Item) => (item.of.due_at ? Date.parse(item.of.due_at) : Number.POSITIVE_INFINITY);
  return all.sort((a, b) => {
    const [x, y] = [due(a), due(b)];
    return x === y ? a.of.opened_at.localeCompare(b.of.opened_at) : x < y ? -1 : 1;
  });
}

export interface Seat {
  entry: string;
  filledBy: string | undefined;
  at: string | undefined;
  comment: string;
}

/** Who has to agree, and who did. */
export function seatsOf(gate: ApprovalDetail): Seat[] {
  return gate.slots.map((slot) => {
    const vote = gate.votes.findLast((one) => one.by === slot.filled_by && one.decision === 'approve' && !one.replaced);
    return { entry: slot.entry, filledBy: slot.filled_by ?? undefined, at: vote?.at, comment: vote?.comment ?? '' };
  });
}

/** What the caller's own words on it say: empty or `can ...` means that they may. */
export function refusalOf(you: string): string | undefined {
  return you === '' || you === 'voted' || you.startsWith('can ') ? undefined : you;
}

export interface Evidence {
  /** Short values, beside their names. */
  facts: [label: string, value: string][];
  /** What needs room: commands, outputs, texts. */
  parts: { label: string; text: string }[];
}

const LABELS: Record<string, string> = {
  run: 'Run',
  task: 'What would run',
  revision: 'Version',
  gate: 'Asked',
  env: 'Variables',
};

/** Said elsewhere on the page, or of no use to whoever decides. */
const SILENT = new Set(['instructions', 'pipeline', 'run', 'stage', 'artifacts', 'gate']);

/** What is shown for the decision, each part with a name; what would be run comes first. */
export function evidenceOf(shown: unknown): Evidence {
  const found: Evidence = { facts: [], parts: [] };
  if (typeof shown !== 'object' || shown === null) return found;
  for (const [name, value] of Object.entries(shown)) {
    if (SILENT.has(name) || isEmpty(value)) continue;
    const label = LABELS[name] ?? capital(name.replaceAll('_', ' '));
    if (typeof value === 'object') found.parts.push({ label, text: readable(value as Record<string, unknown>) });
    else if (String(value).includes('\n')) found.parts.push({ label, text: String(value) });
    else found.facts.push([label, /^[0-9a-f]{64}$/.test(String(value)) ? String(value).slice(0, 12) : String(value)]);
  }
  return found;
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** A map as people read it: texts as they are, everything else as JSON. */
function readable(value: Record<string, unknown>): string {
  if (Array.isArray(value)) return JSON.stringify(value, null, 2);
  const lines = Object.entries(value)
    .filter(([, one]) => !isEmpty(one))
    .map(([name, one]) => {
      const text = typeof one === 'string' ? one.trimEnd() : JSON.stringify(one, null, 2);
      return text.includes('\n') ? `${name}:\n${text.replace(/^/gm, '  ')}` : `${name}: ${text}`;
    });
  return lines.join('\n');
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
