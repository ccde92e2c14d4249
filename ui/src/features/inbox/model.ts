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

/** What can be approved with others at once: not what asks for words. */
export const isPlain = (gate: ApprovalSummary): boolean => gate.kind !== 'question';

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
