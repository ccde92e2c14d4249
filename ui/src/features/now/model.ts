/** What matters now, of all that is known. Pure. */
import type { ApprovalSummary, InputSummary, RunSummary } from '../../api/types';
import { isOver } from '../../components/status';

export interface Need {
  id: string;
  kind: 'approval' | 'form';
  stage: string;
  run: string;
  says: string;
  due: string | undefined;
  opened: string;
}

const DAY = 86_400_000;

/** Who is still asked: `, needs devops`. */
function askedSays(missing: readonly string[]): string {
  if (missing.length === 0) return '';
  return missing.every((one) => one === 'anybody') ? ', anybody may decide' : `, needs ${missing.join(', ')}`;
}

/** What waits for people, the one that is due first at the top. */
export function needs(approvals: readonly ApprovalSummary[], inputs: readonly InputSummary[]): Need[] {
  const all: Need[] = [
    ...approvals.map((gate): Need => ({
      id: gate.id,
      kind: 'approval',
      stage: gate.stage,
      run: gate.run_name,
      says: `${gate.have} of ${gate.need}${askedSays(gate.missing)}`,
      due: gate.due_at ?? undefined,
      opened: gate.opened_at,
    })),
    ...inputs.map((form): Need => ({
      id: form.id,
      kind: 'form',
      stage: form.stage,
      run: form.run_name,
      says: form.revision > 0 ? `revision ${form.revision}` : 'to fill in',
      due: form.due_at ?? undefined,
      opened: form.opened_at,
    })),
  ];
  const time = (need: Need) => (need.due ? Date.parse(need.due) : Number.POSITIVE_INFINITY);
  return all.sort((a, b) => time(a) - time(b) || a.opened.localeCompare(b.opened));
}

export function going(runs: readonly RunSummary[]): RunSummary[] {
  return runs.filter((run) => !isOver(run.status)).sort((a, b) => b.created_at.localeCompare(a.created_at));
}

export function failedLately(runs: readonly RunSummary[], now: number): RunSummary[] {
  return runs
    .filter((run) => run.status === 'failed' && !run.superseded && now - Date.parse(run.finished_at ?? run.created_at) < DAY)
    .sort((a, b) => (b.finished_at ?? '').localeCompare(a.finished_at ?? ''));
}
