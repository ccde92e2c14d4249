/**
 * The one connection of the page. Topics come and go on it; after a loss each goes on from its last
 * number. What arrives is applied once a frame of the screen.
 */
import { signal, type Signal } from '@preact/signals';
import { pause } from './backoff';
import { byAsking, bySocket, type Carrier, type Hears, type Words } from './carrier';
import { ask, begin, isTold, names, step, type Frame, type Piece, type Subscription, type Topic } from './topic';

export type Connection = 'live' | 'reconnecting' | 'offline';

interface Followed {
  topic: Topic;
  shown: Signal<Topic>;
  listeners: Set<(piece: Piece) => void>;
  users: number;
  /** Gives the topic up a while after the last user left. */
  leaving: ReturnType<typeof setTimeout> | undefined;
}

/** How long a topic is heard after the last look at it: going back finds it as it was. */
const LINGER = 10_000;
export const connection: Signal<Connection> = signal('offline');
/** When the connection was lost: what is shown is of then. */
export const lostAt: Signal<number | undefined> = signal(undefined);

const followed = new Map<string, Followed>();
/** From the server's name of a topic to ours. */
const aliases = new Map<string, Set<string>>();
let carrier: Carrier | undefined;
/** Not by WebSocket. */
let asking = false;
let everOpen = false;
let tries = 0;
let again: ReturnType<typeof setTimeout> | undefined;
let waiting: Frame[] = [];
let drawn = false;
let stranger: () => void = () => undefined;

/** Begins to listen; `onStranger`: the server does not know us any more. */
export function connect(onStranger: () => void): void {
  stranger = onStranger;
  open();
  addEventListener('online', () => {
    tries = 0;
    open();
  });
}

function open(): void {
  clearTimeout(again);
  if (carrier) return;
  let isOpen = false;
  const hears: Hears = {
    opened: () => {
      isOpen = true;
      everOpen ||= !asking;
      tries = 0;
      connection.value = 'live';
      lostAt.value = undefined;
      const sub = subscriptions();
      if (sub.length > 0) say({ sub });
    },
    frame: (frame) => {
      waiting.push(frame);
      schedule();
    },
    closed: (code) => {
      if (carrier !== opened) return;
      carrier = undefined;
      if (connection.value === 'live') lostAt.value = Date.now();
      if (code === 4401) {
        connection.value = 'offline';
        stranger();
        return;
      }
      // No WebSocket has ever got through: asked for in the other way, and back to this when that ends.
      asking = !asking && !isOpen && !everOpen && tries >= 1;
      connection.value = tries > 4 ? 'offline' : 'reconnecting';
      again = setTimeout(open, pause(tries, Math.random()));
      tries += 1;
    },
  };
  const opened = asking ? byAsking(hears, subscriptions) : bySocket(hears);
  carrier = opened;
}

const subscriptions = (): Subscription[] => [...followed.values()].filter(({ topic }) => topic.phase !== 'failed' && !isTold(topic)).map(({ topic }) => ask(topic));

function say(words: Words): void {
  carrier?.say(words);
}

/** A hidden page gets no frames of the screen: what comes is kept in order, and applied by a timer. */
function schedule(): void {
  if (drawn) return;
  drawn = true;
  if (document.visibilityState === 'hidden') setTimeout(apply, 250);
  else requestAnimationFrame(apply);
}

function apply(): void {
  drawn = false;
  const frames = waiting;
  waiting = [];
  const changed = new Set<Followed>();
  for (const frame of frames) {
    for (const one of concerned(frame)) {
      const next = step(one.topic, frame);
      one.topic = next.topic;
      if (next.piece) for (const listener of one.listeners) listener(next.piece);
      if (next.ask) say({ sub: [ask(one.topic)] });
      if (next.changed) changed.add(one);
    }
  }
  for (const one of changed) {
    one.shown.value = one.topic;
    performance.mark('orc:applied', { detail: { topic: one.topic.name, seq: one.topic.seq } });
  }
}

function concerned(frame: Frame): Followed[] {
  const [asked, t] = names(frame);
  if (asked === undefined) return [];
  if (t !== undefined && asked !== t) {
    // The answer to what was asked under another name; from now on it comes under the server's.
    aliases.set(t, (aliases.get(t) ?? new Set()).add(asked));
    const one = followed.get(asked);
    return one ? [one] : [];
  }
  const all = [asked, ...(aliases.get(asked) ?? [])];
  return all.map((name) => followed.get(name)).filter((one) => one !== undefined);
}

/** What is known of a topic, as long as somebody looks. Give it back with [`leave`]. */
export function follow(name: string): Signal<Topic> {
  const known = followed.get(name);
  if (known) {
    clearTimeout(known.leaving);
    known.leaving = undefined;
    known.users += 1;
    if (known.topic.phase === 'failed') {
      known.topic = begin(name);
      say({ sub: [ask(known.topic)] });
    }
    return known.shown;
  }
  const topic = begin(name);
  const one: Followed = { topic, shown: signal(topic), listeners: new Set(), users: 1, leaving: undefined };
  followed.set(name, one);
  say({ sub: [ask(topic)] });
  return one.shown;
}

export function leave(name: string, linger = LINGER): void {
  const one = followed.get(name);
  if (!one || (one.users -= 1) > 0) return;
  const forget = () => {
    if (one.users > 0) return;
    followed.delete(name);
    for (const others of aliases.values()) others.delete(name);
    const shared = [...followed.values()].some((other) => other.topic.t === one.topic.t);
    if (!shared) say({ unsub: [one.topic.t] });
  };
  if (linger === 0) forget();
  else one.leaving = setTimeout(forget, linger);
}

/** Hears the pieces of a log or a talk from `after` on (without it: from a little before its end). */
export function listen(name: string, after: number | undefined, hear: (piece: Piece) => void): () => void {
  leave(name, 0);
  const topic: Topic = { ...begin(name), seq: after };
  const one: Followed = { topic, shown: signal(topic), listeners: new Set([hear]), users: 1, leaving: undefined };
  followed.set(name, one);
  say({ sub: [after === undefined ? { topic: name } : { topic: name, after }] });
  return () => leave(name, 0);
}
