/**
 * Every status that anything can have: its word, its hue and its shape. Hue is never alone. The one
 * place for all three; canvas, pages and the tab's icon draw the same shapes.
 */

export type Hue = 'success' | 'failed' | 'running' | 'attention' | 'neutral';

/** How a part of a shape is painted: `cut` in the colour of the surface, on top of what is filled. */
export interface Part {
  readonly d: string;
  readonly paint: 'fill' | 'line' | 'cut' | 'dashes' | 'dots';
}

export type Shape = keyof typeof SHAPES;

const DISC = 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13z';
const RING = 'M8 2.25a5.75 5.75 0 1 1 0 11.5a5.75 5.75 0 1 1 0-11.5z';

const fill = (d: string): Part => ({ d, paint: 'fill' });
const line = (d: string): Part => ({ d, paint: 'line' });
const cut = (d: string): Part => ({ d, paint: 'cut' });

/** On 16 by 16. */
export const SHAPES = {
  tick: [fill(DISC), cut('M5 8.2l2.1 2.1L11 6.1')],
  cross: [fill(DISC), cut('M5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6')],
  clock: [line(RING), line('M8 4.8V8l2.3 1.6')],
  hand: [
    fill('M5 8.5V3.6a1 1 0 0 1 2 0V2.4a1 1 0 0 1 2 0v1.2a1 1 0 0 1 2 0v5.1c0 2-1.3 3.3-3.2 3.3S5 10.6 5 8.5z'),
    line('M3.5 14.3h9'),
  ],
  arc: [line('M8 2.25a5.75 5.75 0 1 1-5.75 5.75')],
  retry: [line('M13.2 8A5.2 5.2 0 1 1 11.4 4'), fill('M9.2 1.6h4.4V6z')],
  starting: [{ d: RING, paint: 'dashes' }],
  diamond: [fill('M8 .9L15.1 8 8 15.1.9 8z'), cut('M8 4.6v4M8 10.9v.2')],
  pencil: [fill('M2 14l.9-3.6L11 2.3a1.3 1.3 0 0 1 1.9 0l.8.8a1.3 1.3 0 0 1 0 1.9L5.6 13.1z'), cut('M9.6 4.2l2.2 2.2')],
  loop: [line('M3 6.5A5.2 5.2 0 0 1 12.6 5.6M13 9.5a5.2 5.2 0 0 1-9.6.9'), fill('M13.6 2.2v4.2H9.4zM2.4 13.8V9.6h4.2z')],
  back: [line('M4 6.5h5.5a3.5 3.5 0 0 1 0 7H6'), fill('M5.6 2.6v7.8L1.4 6.5z')],
  question: [line(RING), line('M6.2 6.4a1.9 1.9 0 1 1 2.7 1.7c-.6.3-.9.6-.9 1.2M8 11.3v.1')],
  dot: [fill('M8 5a3 3 0 1 1 0 6a3 3 0 1 1 0-6z')],
  dotted: [{ d: RING, paint: 'dots' }],
  bars: [fill('M4.4 3h2.4v10H4.4zM9.2 3h2.4v10H9.2z')],
  chevrons: [line('M3.5 4l4 4-4 4M8.5 4l4 4-4 4')],
  barred: [line(RING), line('M4 12L12 4')],
  hollow: [line('M8 5.2a2.8 2.8 0 1 1 0 5.6a2.8 2.8 0 1 1 0-5.6z')],
  lock: [fill('M3.5 7h9v6.5h-9z'), line('M5.3 7V5a2.7 2.7 0 0 1 5.4 0v2')],
  ear: [{ d: 'M8 5a3 3 0 1 1 0 6a3 3 0 1 1 0-6z', paint: 'line' }, { d: RING, paint: 'dots' }],
  hatched: [line(RING), line('M4.2 9.6L9.6 4.2M5 12.2L12.2 5M8.4 12.6L12.6 8.4')],
  would: [{ d: RING, paint: 'dashes' }, line('M5 9.4L9.4 5M6.6 11.2L11.2 6.6')],
  half: [line(RING), fill('M8 2.25a5.75 5.75 0 0 0 0 11.5z')],
  disc: [fill(DISC)],
  beat: [line(RING), fill('M8 5.4a2.6 2.6 0 1 1 0 5.2a2.6 2.6 0 1 1 0-5.2z')],
  drain: [line('M8 2v7M4.9 6.2L8 9.3l3.1-3.1M3 13.2h10')],
} as const satisfies Record<string, readonly Part[]>;

export interface Look {
  /** As the command line says it too. */
  readonly word: string;
  readonly hue: Hue;
  readonly shape: Shape;
}

const look = (word: string, hue: Hue, shape: Shape): Look => ({ word, hue, shape });

/** By the word of the API. */
export const LOOKS = {
  succeeded: look('Succeeded', 'success', 'tick'),
  approved: look('Approved', 'success', 'tick'),
  submitted: look('Submitted', 'success', 'tick'),
  done: look('Done', 'success', 'tick'),
  failed: look('Failed', 'failed', 'cross'),
  timed_out: look('Timeout', 'failed', 'clock'),
  rejected: look('Rejected', 'failed', 'hand'),
  running: look('Running', 'running', 'arc'),
  retrying: look('Retry', 'running', 'retry'),
  starting: look('Starting', 'running', 'starting'),
  stopping: look('Stopping', 'running', 'starting'),
  cancelling: look('Cancelling', 'running', 'starting'),
  waiting: look('Waiting', 'attention', 'diamond'),
  waiting_approval: look('Waiting', 'attention', 'diamond'),
  pending_approval: look('Waiting', 'attention', 'diamond'),
  waiting_input: look('Form', 'attention', 'pencil'),
  open: look('Open', 'attention', 'pencil'),
  changes_requested: look('Revision', 'attention', 'loop'),
  rolled_back: look('RolledBack', 'attention', 'back'),
  unknown: look('Unknown', 'attention', 'question'),
  lost: look('Lost', 'attention', 'question'),
  blocked: look('Pending', 'neutral', 'dot'),
  pending: look('Pending', 'neutral', 'dot'),
  todo: look('Todo', 'neutral', 'dot'),
  ready: look('Ready', 'neutral', 'hollow'),
  listening: look('Listening', 'neutral', 'ear'),
  queued: look('Queued', 'neutral', 'dotted'),
  waiting_environment: look('Queued', 'neutral', 'lock'),
  held: look('Held', 'neutral', 'bars'),
  held_by_human: look('Held', 'attention', 'hand'),
  paused: look('Paused', 'neutral', 'bars'),
  skipped: look('Skipped', 'neutral', 'chevrons'),
  cancelled: look('Cancelled', 'neutral', 'barred'),
  stopped: look('Stopped', 'neutral', 'barred'),
  not_run: look('Not run', 'neutral', 'hollow'),
  void: look('Void', 'neutral', 'barred'),
  superseded: look('Superseded', 'neutral', 'back'),
  would_have: look('Would have', 'neutral', 'would'),
  online: look('Online', 'success', 'beat'),
  draining: look('Draining', 'attention', 'drain'),
  drained: look('Drained', 'neutral', 'drain'),
  shadow: look('Shadow', 'attention', 'hatched'),
  pilot: look('Pilot', 'attention', 'half'),
  production: look('Production', 'neutral', 'disc'),
} as const satisfies Record<string, Look>;

/** A word that this page does not know is shown as it is. */
export function lookOf(status: string): Look {
  return (LOOKS as Record<string, Look>)[status] ?? look(status, 'neutral', 'question');
}

/** Of a run, with what its reason adds to its word. */
export function runStatus(run: { status: string; reason?: string }): string {
  if (run.status === 'failed' && run.reason === 'rolled_back') return 'rolled_back';
  if (run.status === 'failed' && run.reason === 'timed_out') return 'timed_out';
  return run.status;
}

const OVER = new Set(['succeeded', 'failed', 'cancelled']);
export const isOver = (status: string): boolean => OVER.has(status);

/** Most urgent first: what a crowd of instances shows as its own. */
export const URGENCY: readonly string[] = [
  'failed',
  'unknown',
  'waiting_approval',
  'waiting_input',
  'held_by_human',
  'running',
  'retrying',
  'stopping',
  'queued',
  'waiting_environment',
  'held',
  'listening',
  'blocked',
  'cancelled',
  'succeeded',
  'would_have',
  'skipped',
  'not_run',
];
