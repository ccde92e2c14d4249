/** Tasks as a board and as a page. Pure. */
import type { RunSummary, TaskView } from '../../api/types';

export const COLUMNS = ['todo', 'ready', 'running', 'review', 'done', 'blocked'] as const;
export type Column = (typeof COLUMNS)[number];

export const TITLES: Record<Column, string> = {
  todo: 'Todo',
  ready: 'Ready',
  running: 'Running',
  review: 'Review',
  done: 'Done',
  blocked: 'Blocked',
};

const GOING = new Set(['pending', 'running', 'paused', 'cancelling', 'queued']);

/** What failed stands where somebody has to look, never among what is done. */
export function columnOf(task: TaskView): Column {
  const { derived, blocked_by: blockers } = task.status;
  if (GOING.has(derived)) return 'running';
  if (derived === 'waiting' || derived === 'failed') return 'review';
  if (derived === 'done' || derived === 'cancelled') return 'done';
  if (blockers.length > 0) return 'blocked';
  return task.pipeline ? 'ready' : 'todo';
}

/** Within a column: what is more urgent first, then as they were made. */
export function board(tasks: readonly TaskView[]): Record<Column, TaskView[]> {
  const columns: Record<Column, TaskView[]> = { todo: [], ready: [], running: [], review: [], done: [], blocked: [] };
  for (const task of tasks) columns[columnOf(task)].push(task);
  for (const column of COLUMNS) columns[column].sort((a, b) => b.priority - a.priority || a.created_at.localeCompare(b.created_at));
  return columns;
}

export type Move = { kind: 'start' } | { kind: 'set'; status: 'todo' | 'done' } | { kind: 'refused'; why: string };

/** What moving a card means: a start, a word of its people, or nothing that a hand can do. */
export function move(task: TaskView, to: Column): Move {
  const from = columnOf(task);
  if (to === from) return { kind: 'refused', why: '' };
  switch (to) {
    case 'running':
      return startRefusal(task) === undefined ? { kind: 'start' } : { kind: 'refused', why: startRefusal(task) ?? '' };
    case 'todo':
    case 'ready':
      return { kind: 'set', status: 'todo' };
    case 'done':
      return { kind: 'set', status: 'done' };
    case 'review':
      return { kind: 'refused', why: 'A task comes to Review when its run waits for people, or has failed.' };
    case 'blocked':
      return { kind: 'refused', why: 'A task is blocked by the tasks that it needs: name them at the task.' };
  }
}

/** Why no new run can be started now. */
export function startRefusal(task: TaskView): string | undefined {
  if (!task.pipeline) return 'It names no pipeline to run: edit the task.';
  if (task.status.blocked_by.length > 0) return `It waits for ${task.status.blocked_by.join(', ')}.`;
  const active = task.active.at(-1);
  if (active !== undefined && task.on_active === 'reject') return `${active} is active; stop it first.`;
  return undefined;
}

/** Start is off while a run is active, whatever a start by others would do. */
export function startButton(task: TaskView): string | undefined {
  const active = task.active.at(-1);
  return startRefusal(task) ?? (active === undefined ? undefined : `${active} is active; stop it first.`);
}

export function stopRefusal(task: TaskView): string | undefined {
  return task.active.length === 0 ? 'None of its runs is active.' : undefined;
}

/** `-3`: how the runs of one task are told apart. */
export function shortName(run: RunSummary): string {
  return run.task && run.name.startsWith(`${run.task}-`) ? run.name.slice(run.task.length) : run.name;
}

export function taskGlyph(task: TaskView): string {
  const column = columnOf(task);
  if (column === 'blocked') return 'held';
  return task.status.derived;
}
