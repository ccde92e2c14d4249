/** Keys of the run page: views, stages, attempts, tabs. */
import type { RunDetail, StageView } from '../../api/types';
import { useShortcut } from '../../components/keys';
import { query, setQuery } from '../../components/location';
import { causeOf } from './model';

/** The stage so many places on, in the order of the definition; the first, or the last, when none is chosen. Pure. */
export function stageBeside(stages: readonly StageView[], chosen: string | undefined, by: 1 | -1): string | undefined {
  const at = stages.findIndex((stage) => stage.name === chosen);
  if (at < 0) return stages.at(by > 0 ? 0 : -1)?.name;
  return stages[Math.max(0, Math.min(stages.length - 1, at + by))]?.name;
}

export function useRunKeys(run: RunDetail, stage: StageView | undefined): void {
  const view = (to: string | undefined) => () => setQuery({ view: to });
  const beside = (by: 1 | -1) => () => setQuery({ stage: stageBeside(run.stages, stage?.name, by), attempt: undefined });
  const attempt = (by: 1 | -1) => () => {
    const last = stage?.attempts.length ?? 0;
    const now = Number(query.peek().get('attempt') ?? last);
    setQuery({ attempt: Math.max(1, Math.min(last, now + by)), tab: 'log' });
  };
  const many = stage !== undefined && stage.attempts.length > 1;
  const failed = causeOf(run)?.stage.name;
  useShortcut('run.graph', view(undefined));
  useShortcut('run.timeline', view('timeline'));
  useShortcut('run.table', view('table'));
  useShortcut('run.failure', failed === undefined ? undefined : () => setQuery({ stage: failed, tab: 'log', attempt: undefined }));
  useShortcut('run.stage.last', beside(-1));
  useShortcut('run.stage.next', beside(1));
  useShortcut('run.attempt.last', many ? attempt(-1) : undefined);
  useShortcut('run.attempt.next', many ? attempt(1) : undefined);
  useShortcut('run.log', () => setQuery({ stage: stage?.name ?? failed ?? run.stages[0]?.name, tab: 'log' }));
  useShortcut('run.events', () => setQuery({ tab: 'events' }));
  useShortcut('run.actions', () => document.querySelector<HTMLElement>('[data-actions] button')?.focus());
  useShortcut('back', stage !== undefined || query.value.has('tab') ? () => setQuery({ stage: undefined, attempt: undefined, tab: undefined }) : undefined);
}
