/** A run as its page shows it. Pure. */
import type { AttemptView, RunDetail, StageView } from '../../api/types';
import { isOver, lookOf } from '../../components/status';

export interface Cause {
  stage: StageView;
  attempt: AttemptView | undefined;
  message: string;
  tail: string;
  /** Stages that did not run because of it. */
  notRun: string[];
}

const FAILED = new Set(['failed']);

/** What failed first: everything else that is not well may come from it. */
export function causeOf(run: RunDetail): Cause | undefined {
  const failed = run.stages
    .filter((stage) => FAILED.has(stage.status) && stage.attempts.length + (stage.detail ? 1 : 0) > 0)
    .filter((stage) => !hasFailedInstance(run, stage))
    .sort((a, b) => (a.finished_at ?? '9').localeCompare(b.finished_at ?? '9'));
  const stage = failed[0];
  if (!stage) return undefined;
  const attempt = stage.attempts.at(-1);
  const notRun = run.stages.filter((other) => other.status === 'not_run').map((other) => other.name);
  return { stage, attempt, message: stage.detail || attempt?.detail || 'it failed', tail: attempt?.tail ?? '', notRun };
}

/** The stage as a whole failed because of one of its instances, which is shown instead. */
function hasFailedInstance(run: RunDetail, stage: StageView): boolean {
  if (stage.instance !== null && stage.instance !== undefined) return false;
  return run.stages.some((other) => other.stage === stage.stage && other.instance !== null && other.instance !== undefined && other.status === 'failed');
}

export interface TreeStage {
  name: string;
  row: StageView | undefined;
  status: string;
  instances: StageView[];
}

/** Stages in their order, instances beneath theirs. */
export function treeOf(stages: readonly StageView[]): TreeStage[] {
  const found: TreeStage[] = [];
  const byName = new Map<string, TreeStage>();
  for (const row of stages) {
    let entry = byName.get(row.stage);
    if (!entry) {
      entry = { name: row.stage, row: undefined, status: row.status, instances: [] };
      byName.set(row.stage, entry);
      found.push(entry);
    }
    if (row.instance === null || row.instance === undefined) {
      entry.row = row;
      entry.status = row.status;
    } else entry.instances.push(row);
  }
  return found;
}

/** `implement 2 of 3, Running, attempt 2` */
export function spoken(row: StageView, of?: number): string {
  const { instance, instances } = row;
  const all = instances ?? of;
  const name = instance === null || instance === undefined ? row.stage : `${row.stage} ${instance} of ${all ?? '?'}`;
  const parts = [name, lookOf(row.status).word];
  if (row.attempts.length > 0) parts.push(`attempt ${row.attempts.length}`);
  return parts.join(', ');
}

export type Action = 'pause' | 'resume' | 'cancel' | 'retry' | 'rollback' | 'start' | 'extend';

/** Which of the run's buttons there are; `undefined` as reason: it can be pressed. */
export function actionsOf(run: RunDetail): { action: Action; why: string | undefined }[] {
  const over = isOver(run.status);
  const actions: { action: Action; why: string | undefined }[] = [];
  const add = (action: Action, why?: string | false) => actions.push({ action, why: why || undefined });
  if (!over) {
    if (run.status === 'pending' && !run.started_at) add('start');
    if (run.status === 'paused' || run.paused_at) add('resume');
    else add('pause', run.status === 'cancelling' && 'It is being cancelled.');
    add('cancel', run.status === 'cancelling' && 'It is being cancelled already.');
  } else {
    if (run.status !== 'succeeded') add('retry', run.superseded && 'A later run took its place.');
  }
  if (over) add('extend');
  const done = run.stages.some((stage) => stage.status === 'succeeded');
  if (done) add('rollback', run.superseded && 'A later run took its place.');
  return actions;
}

/** Stages that a rollback can go back to: those that succeeded, the newest first. */
export function rollbackTargets(run: RunDetail): string[] {
  const names = run.stages.filter((stage) => stage.status === 'succeeded').map((stage) => stage.stage);
  return [...new Set(names)].reverse();
}

/** Why one cannot retry from this stage now. */
export function retryRefusal(run: RunDetail, stage: StageView): string | undefined {
  if (!isOver(run.status) && run.status !== 'failed') {
    return stage.status === 'failed' || stage.status === 'cancelled' || stage.status === 'not_run'
      ? undefined
      : 'The run is still going on; what has ended well stays as it is.';
  }
  return undefined;
}

export function stageByName(run: RunDetail, name: string | undefined): StageView | undefined {
  if (name === undefined) return undefined;
  const exact = run.stages.find((stage) => stage.name === name);
  // A stage with instances has no output of its own: the one that went worst speaks for it.
  if (exact) return exact;
  const instances = run.stages.filter((stage) => stage.stage === name);
  return instances.find((stage) => stage.status === 'failed') ?? instances[0];
}
