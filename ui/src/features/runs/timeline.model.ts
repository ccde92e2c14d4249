/** When what ran: bars on one axis, long idle times folded. Pure. */
import type { RunDetail, StageView } from '../../api/types';
import { lookOf } from '../../components/status';

export interface Bar {
  kind: 'queued' | 'waiting' | 'success' | 'failed' | 'running' | 'attention' | 'neutral';
  from: number;
  to: number;
  attempt: number | undefined;
  says: string;
}

export interface TimelineRow {
  name: string;
  status: string;
  bars: Bar[];
  /** Milliseconds it took, waiting and all. */
  took: number | undefined;
}

export interface Fold {
  from: number;
  to: number;
}

export interface Timeline {
  from: number;
  to: number;
  rows: TimelineRow[];
  folds: Fold[];
}

const time = (at: string | null | undefined): number | undefined => (at ? Date.parse(at) : undefined);

export function timelineOf(run: RunDetail, now: number, fold: boolean): Timeline {
  const from = time(run.created_at) ?? now;
  const crowds = new Set(run.stages.filter((stage) => typeof stage.instance === 'number').map((stage) => stage.stage));
  const ended = new Map(run.stages.map((stage) => [stage.name, time(stage.finished_at)]));
  const rows = run.stages.map((stage) => rowOf(stage, now, typeof stage.instance !== 'number' && crowds.has(stage.stage), ended));
  const ends = rows.flatMap((row) => row.bars.map((bar) => bar.to));
  const to = Math.max(from + 1, time(run.finished_at) ?? now, ...ends);
  return { from, to, rows, folds: fold ? foldsOf(rows, from, to) : [] };
}

/** `isCrowd`: it has no time of its own beside that of its instances. */
function rowOf(stage: StageView, now: number, isCrowd: boolean, ended: ReadonlyMap<string, number | undefined>): TimelineRow {
  const bars: Bar[] = [];
  let last: number | undefined;
  for (const attempt of stage.attempts) {
    const scheduled = time(attempt.scheduled_at);
    const started = time(attempt.started_at);
    const finish = time(attempt.finished_at);
    if (scheduled !== undefined && (started ?? now) > scheduled) {
      bars.push({ kind: 'queued', from: scheduled, to: started ?? finish ?? now, attempt: attempt.number, says: 'queued' });
    }
    if (started !== undefined) {
      const { hue, word } = lookOf(attempt.status);
      bars.push({ kind: hue, from: started, to: finish ?? now, attempt: attempt.number, says: `attempt ${attempt.number}: ${word}` });
    }
    last = finish ?? last;
  }
  const begun = time(stage.started_at);
  const finished = time(stage.finished_at);
  if (WAITS.has(stage.status)) {
    // What waits before it begins waits since the last of what it comes after.
    const before = stage.depends_on.map((name) => ended.get(name)).filter((at) => at !== undefined);
    const since = last ?? begun ?? (before.length > 0 ? Math.max(...before) : undefined);
    if (since !== undefined) bars.push({ kind: 'waiting', from: since, to: now, attempt: undefined, says: lookOf(stage.status).word });
  } else if (!isCrowd && stage.attempts.length === 0 && begun !== undefined && finished !== undefined && finished > begun) {
    bars.push({ kind: 'waiting', from: begun, to: finished, attempt: undefined, says: 'waited for people' });
  }
  const first = bars[0]?.from ?? begun;
  const end = finished ?? (bars.length > 0 ? Math.max(...bars.map((bar) => bar.to)) : undefined);
  return { name: stage.name, status: stage.status, bars, took: first === undefined || end === undefined ? undefined : end - first };
}

const WAITS = new Set(['waiting_approval', 'waiting_input', 'waiting_environment', 'held', 'held_by_human']);

/** Times in which nothing ran, if they are more than twenty times as long as what usually runs. */
function foldsOf(rows: readonly TimelineRow[], from: number, to: number): Fold[] {
  const busy = rows.flatMap((row) => row.bars.filter((bar) => bar.kind !== 'waiting' && bar.kind !== 'queued'));
  const lengths = busy.map((bar) => bar.to - bar.from).sort((a, b) => a - b);
  const median = lengths[Math.floor(lengths.length / 2)] ?? 0;
  const least = Math.max(10_000, 20 * median);
  busy.sort((a, b) => a.from - b.from);
  const folds: Fold[] = [];
  let end = from;
  for (const bar of [...busy, { from: to, to }]) {
    if (bar.from - end > least) folds.push({ from: end, to: bar.from });
    end = Math.max(end, bar.to);
  }
  return folds;
}

/** Share of the axis that a fold takes. */
const FOLDED = 0.04;

/** From a time to its place on the axis, 0 to 1. */
export function scaleOf({ from, to, folds }: Timeline): (at: number) => number {
  const hidden = folds.reduce((sum, fold) => sum + fold.to - fold.from, 0);
  const open = Math.max(1, to - from - hidden);
  const room = 1 - folds.length * FOLDED;
  return (at) => {
    let place = 0;
    let cursor = from;
    for (const fold of folds) {
      if (at <= fold.from) break;
      place += ((fold.from - cursor) / open) * room;
      cursor = fold.to;
      if (at < fold.to) return Math.min(1, place + ((at - fold.from) / (fold.to - fold.from)) * FOLDED);
      place += FOLDED;
    }
    return Math.max(0, Math.min(1, place + ((at - cursor) / open) * room));
  };
}

const STEPS = [100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000];

/** Round times to write on the axis: some six, none within a fold. */
export function ticksOf(timeline: Timeline): number[] {
  const { from, to, folds } = timeline;
  const open = to - from - folds.reduce((sum, fold) => sum + fold.to - fold.from, 0);
  const step = STEPS.find((one) => open / one <= 7) ?? 86_400_000;
  const scale = scaleOf(timeline);
  const ticks: number[] = [];
  let last = -1;
  for (let at = from; at <= to && ticks.length < 12; at += step) {
    const fold = folds.find((one) => at > one.from && at < one.to);
    if (fold) {
      at = fold.to - step;
      at += step - ((at - from) % step);
      continue;
    }
    const place = scale(at);
    if (place - last < 0.08 || place > 0.96) continue;
    last = place;
    ticks.push(at);
  }
  return ticks;
}
