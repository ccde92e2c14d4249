/** What a switch would change, and who stands in its way. Pure. */
import type { Busy, RolloutView, Switch } from '../../api/types';

export const MODES: readonly (readonly [mode: string, says: string])[] = [
  ['shadow', 'nothing is really done: each stage says what it would have done'],
  ['pilot', 'tasks that fit the patterns are really done, all else as in shadow'],
  ['production', 'everything is really done'],
];

export const ORCHESTRATIONS: readonly (readonly [mode: string, says: string])[] = [
  ['sequential', 'one task at a time, through all its roles'],
  ['parallel', 'each role has a queue, and takes tasks as it has room'],
  ['hybrid', 'as parallel, with so many tasks at once'],
];

export const SCHEDULERS: readonly (readonly [id: string, says: string])[] = [
  ['priority', 'the highest priority'],
  ['fifo', 'who has waited longest'],
];

/** As it stands in the fields. */
export interface Wish {
  mode: string;
  pilot: string;
  orchestration: string;
  tasks: string;
  /** `implementer=2 tester=1` */
  wip: string;
  scheduler: string;
  reason: string;
}

export function wishOf(view: RolloutView): Wish {
  return {
    mode: view.mode,
    pilot: view.pilot_tasks.join(' '),
    orchestration: view.orchestration,
    tasks: view.orchestration === 'hybrid' && view.max_tasks ? String(view.max_tasks) : '',
    wip: Object.entries(view.wip)
      .map(([role, most]) => `${role}=${most}`)
      .join(' '),
    scheduler: view.scheduler,
    reason: '',
  };
}

export interface Meant {
  change: Switch;
  /** By field. */
  problems: Partial<Record<keyof Wish, string>>;
  /** In words, one for each thing that changes. */
  says: string[];
}

const words = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

const whole = (text: string): number | undefined => (/^[1-9]\d{0,5}$/.test(text.trim()) ? Number(text) : undefined);

/** Only what is different from how it is now. */
export function meant(view: RolloutView, wish: Wish): Meant {
  const found: Meant = { change: {}, problems: {}, says: [] };
  const { change, problems, says } = found;
  if (wish.mode !== view.mode) {
    change.mode = wish.mode;
    says.push(`${view.mode} becomes ${wish.mode}`);
  }
  const pilot = words(wish.pilot);
  if (wish.mode === 'pilot') {
    if (pilot.length === 0) problems.pilot = 'say which tasks: ids, or patterns as TASK-*';
    if (pilot.join(' ') !== view.pilot_tasks.join(' ')) {
      change.pilot_tasks = pilot;
      says.push(`tasks of the pilot: ${pilot.join(', ')}`);
    }
  }
  if (wish.orchestration !== view.orchestration) {
    change.orchestration = wish.orchestration;
    says.push(`tasks pass ${wish.orchestration} instead of ${view.orchestration}`);
  }
  if (wish.orchestration === 'hybrid') {
    const tasks = whole(wish.tasks);
    if (tasks === undefined) problems.tasks = 'a whole number, 1 or more';
    else if (tasks !== view.max_tasks || view.orchestration !== 'hybrid') {
      change.max_tasks = tasks;
      says.push(`at most ${tasks} tasks at once`);
    }
  }
  if (wish.orchestration !== 'sequential') limits(view, wish, found);
  if (wish.scheduler !== view.scheduler) {
    change.scheduler = wish.scheduler;
    says.push(wish.scheduler === 'fifo' ? 'who has waited longest comes first' : 'the highest priority comes first');
  }
  return found;
}

function limits(view: RolloutView, wish: Wish, { change, problems, says }: Meant): void {
  const wip: Record<string, number> = {};
  for (const part of words(wish.wip)) {
    const [, role, number] = /^([^=:]+)[=:](.*)$/.exec(part) ?? [];
    const most = whole(number ?? '');
    if (role === undefined || most === undefined) {
      problems.wip = `"${part}" is no limit: write role=2`;
      return;
    }
    wip[role] = most;
  }
  const now = JSON.stringify(Object.entries(view.wip).sort());
  if (JSON.stringify(Object.entries(wip).sort()) === now) return;
  change.wip = wip;
  const named = Object.entries(wip).map(([role, most]) => `${role} ${most}`);
  says.push(named.length > 0 ? `at once: ${named.join(', ')}` : 'no role has a limit');
}

/** What waits to be switched to, in words. */
export function awaited({ mode, pilot_tasks: pilot, orchestration, max_tasks: tasks, wip, scheduler }: Switch): string {
  const parts = [
    mode,
    pilot && pilot.length > 0 ? `pilot tasks ${pilot.join(', ')}` : undefined,
    orchestration ? `${orchestration} tasks` : undefined,
    tasks ? `at most ${tasks} at once` : undefined,
    scheduler ? `${scheduler} first` : undefined,
    wip ? `limits ${Object.entries(wip).map(([role, most]) => `${role} ${most}`).join(', ') || 'lifted'}` : undefined,
  ];
  return parts.filter(Boolean).join(', ') || 'the same';
}

/** The one that works longest first. */
export function byAge(busy: readonly Busy[]): Busy[] {
  return [...busy].sort((a, b) => a.since.localeCompare(b.since) || a.who.localeCompare(b.who));
}
