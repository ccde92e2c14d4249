/**
 * What is known of one topic, and what a frame makes of it. Pure: the socket only carries.
 *
 * Numbers are dense: a frame with n entries and `seq` follows what is known up to `seq - n`. Whatever
 * does not fit is asked for again; nothing is ever guessed.
 */
import type { EventsFrame, Failure, OutputFrame, RunDetail, SnapshotFrame } from '../api/types';
import { applyList } from './list';
import { applyRun } from './run';

export type Frame =
  | { err: Failure }
  | { ping: boolean }
  | { t: string; gap: boolean }
  | OutputFrame
  | SnapshotFrame
  | EventsFrame;

export interface Topic {
  /** As it was asked for. */
  readonly name: string;
  /** As the server calls it, once it has answered. */
  readonly t: string;
  readonly phase: 'asking' | 'live' | 'void' | 'failed';
  readonly epoch: string | undefined;
  readonly seq: number | undefined;
  /** Kept while the topic is void, to be shown as old. */
  readonly value: unknown;
  readonly failure: Failure | undefined;
}

export interface Subscription {
  topic: string;
  epoch?: string;
  after?: number;
}

export interface Step {
  topic: Topic;
  /** Ask again, from where the topic stands now. */
  ask: boolean;
  /** There is something new to show. */
  changed: boolean;
  /** Of a log or a talk: a piece that is new. */
  piece?: Piece;
}

export type Piece = OutputFrame | EventsFrame | SnapshotFrame;

export function begin(name: string): Topic {
  return { name, t: name, phase: 'asking', epoch: undefined, seq: undefined, value: undefined, failure: undefined };
}

/** A log of which all is told: asked about again, the server would say so at once, and again. */
export function isTold({ name, value }: Topic): boolean {
  return name.startsWith('log:') && (value as { ended?: boolean } | undefined)?.ended === true;
}

/** What to say to the server to hear (again) of a topic. */
export function ask(topic: Topic): Subscription {
  const { name, epoch, seq, phase } = topic;
  // Their numbers are those of the folder, and lie elsewhere in the API without an epoch.
  if (/^(log|talk):/.test(name) && seq !== undefined && phase !== 'void') return { topic: name, after: seq };
  if (phase === 'void' || epoch === undefined || seq === undefined) return { topic: name };
  return { topic: name, epoch, after: seq };
}

/** Which topic a frame is about, by its name and by what it was asked as. */
export function names(frame: Frame): string[] {
  if ('err' in frame) return frame.err.t ? [frame.err.t] : [];
  if ('ping' in frame) return [];
  const asked = 'as' in frame ? frame.as : undefined;
  return asked ? [asked, frame.t] : [frame.t];
}

export function step(topic: Topic, frame: Frame): Step {
  if ('err' in frame) {
    return { topic: { ...topic, phase: 'failed', failure: frame.err }, ask: false, changed: true };
  }
  if ('ping' in frame) return { topic, ask: false, changed: false };
  if ('gap' in frame) {
    const voided: Topic = { ...topic, t: frame.t, phase: 'void', epoch: undefined, seq: undefined };
    return { topic: voided, ask: false, changed: true };
  }
  if ('snapshot' in frame) {
    const { t, epoch, seq, snapshot } = frame;
    // Whoever listens to a talk knows what it held before: how far it is, is what is new.
    if (isTalk(topic)) return { topic: { ...topic, t, epoch, seq, phase: 'live' }, ask: false, changed: true, piece: frame };
    return {
      topic: { ...topic, t, epoch, seq, value: snapshot, phase: 'live', failure: undefined },
      ask: false,
      changed: true,
    };
  }
  if ('bytes' in frame) return output(topic, frame);
  if (isTalk(topic)) return told(topic, frame);
  return events(topic, frame);
}

const isTalk = (topic: Topic): boolean => topic.name.startsWith('talk:');

/** Its listener sees by the numbers what is missing, and reads it. */
function told(topic: Topic, frame: EventsFrame): Step {
  const epoch = frame.epoch ?? topic.epoch;
  if (topic.seq !== undefined && frame.seq <= topic.seq) return { topic: { ...topic, t: frame.t, epoch }, ask: false, changed: false };
  return { topic: { ...topic, t: frame.t, epoch, seq: frame.seq, phase: 'live' }, ask: false, changed: true, piece: frame };
}

function output(topic: Topic, frame: OutputFrame): Step {
  // A piece may begin later than the one before ended: the cap on captured output dropped something.
  if (topic.seq !== undefined && frame.end <= topic.seq && frame.bytes !== '') {
    return { topic, ask: false, changed: false };
  }
  const seq = frame.end;
  const value = frame.ended ? { ended: true } : topic.value;
  return { topic: { ...topic, t: frame.t, seq, value, phase: 'live' }, ask: false, changed: true, piece: frame };
}

function events(topic: Topic, frame: EventsFrame): Step {
  const epoch = frame.epoch ?? topic.epoch;
  if (topic.seq === undefined || topic.value === undefined || topic.phase === 'void') {
    // Nothing to apply it to; a snapshot is on its way, or is asked for.
    return { topic, ask: topic.phase !== 'void', changed: false };
  }
  if (frame.epoch !== undefined && topic.epoch !== undefined && frame.epoch !== topic.epoch) {
    const voided: Topic = { ...topic, phase: 'void', epoch: undefined, seq: undefined };
    return { topic: voided, ask: true, changed: true };
  }
  const fresh = frame.seq - topic.seq;
  if (fresh < 0 || fresh > frame.ev.length) return { topic, ask: true, changed: false };
  const known = { ...topic, t: frame.t, epoch, phase: 'live' as const };
  if (fresh === 0) return { topic: known, ask: false, changed: topic.phase !== 'live' };
  const value = frame.run
    ? applyRun(topic.value as RunDetail, frame)
    : applyList(topic.value as Record<string, unknown>, frame.ev.slice(frame.ev.length - fresh));
  return { topic: { ...known, seq: frame.seq, value }, ask: false, changed: true };
}
