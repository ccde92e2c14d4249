/**
 * What carries frames: a WebSocket, or where none gets through (a proxy that holds streams back) questions
 * that the server answers when there is something to tell.
 */
import { refusal, send } from '../api/client';
import type { Frame, Subscription } from './topic';

export interface Words {
  sub?: Subscription[];
  unsub?: string[];
}

export interface Carrier {
  say: (words: Words) => void;
  close: () => void;
}

export interface Hears {
  opened: () => void;
  frame: (frame: Frame) => void;
  /** 4401: the server does not know us any more. */
  closed: (code: number) => void;
}

/** A connection on which nothing was said for so long (a ping comes every 15 s) is lost. */
const SILENCE = 40_000;

export function bySocket(hears: Hears): Carrier {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const socket = new WebSocket(`${scheme}://${location.host}/api/v1/stream`);
  let silence: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => socket.close(), SILENCE);
  };
  socket.onopen = () => {
    heard();
    hears.opened();
  };
  socket.onmessage = (message) => {
    heard();
    hears.frame(JSON.parse(String(message.data)) as Frame);
  };
  socket.onclose = (closed) => {
    clearTimeout(silence);
    hears.closed(closed.code);
  };
  return {
    say: (words) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(words));
    },
    close: () => socket.close(),
  };
}

/** After an answer that told nothing. */
const REST = 2000;
const until = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** It says where a topic goes on, and of nothing that happened. */
const isStill = (frame: Frame): boolean => 'ev' in frame && frame.ev.length === 0;

interface Polled {
  cursor: string;
  frames: Frame[];
}

/** Where a topic stands, as the server's cursor says it. Logs and talks count by the epoch of the store. */
export function placeOf({ epoch, after }: Subscription, store: string | undefined): string {
  const of = epoch ?? store;
  return of === undefined || after === undefined ? '-' : `${of}:${after}`;
}

/** Asks on and on, each time from where the topics stand; `asks` tells which they are. */
export function byAsking(hears: Hears, asks: () => Subscription[]): Carrier {
  let over = false;
  let waiting: AbortController | undefined;
  let wake: (() => void) | undefined;
  const url = (subs: readonly Subscription[], wait: number) => {
    const store = subs.map((sub) => sub.epoch).find((epoch) => epoch?.startsWith('s-'));
    const query = new URLSearchParams({ topics: subs.map((sub) => sub.topic).join(','), wait: String(wait) });
    const places = subs.map((sub) => placeOf(sub, /^(log|talk):/.test(sub.topic) ? store : undefined));
    if (places.some((place) => place !== '-')) query.set('cursor', places.join(','));
    return `/api/v1/stream/poll?${query.toString()}`;
  };
  const ask = async (subs: readonly Subscription[], wait: number, signal?: AbortSignal): Promise<Frame[]> => {
    const response = await send(url(subs, wait), signal ? { signal } : {});
    return ((await response.json()) as Polled).frames;
  };
  /** One of them is refused, and so all of them are: which one it is has to be found. */
  const findRefused = async (subs: readonly Subscription[]) => {
    for (const sub of subs) {
      try {
        for (const frame of await ask([sub], 0)) hears.frame(frame);
      } catch (error) {
        const { status, code, message, hints } = refusal(error);
        if (status < 400 || status >= 500 || status === 401) throw error;
        hears.frame({ err: { code, t: sub.topic, says: message, hints } } as Frame);
      }
    }
  };
  const round = async () => {
    const subs = asks();
    if (subs.length === 0) {
      await new Promise<void>((done) => (wake = done));
      return;
    }
    waiting = new AbortController();
    const begun = performance.now();
    try {
      const frames = await ask(subs, 25, waiting.signal);
      for (const frame of frames) hears.frame(frame);
      // A server that answers at once though nothing happened is not asked at once again.
      if (performance.now() - begun < 1000 && frames.every(isStill)) await until(REST);
      // The topics go on when the screen was drawn; asked before that, the same would come again.
      await until(document.visibilityState === 'hidden' ? 300 : 40);
    } catch (error) {
      if (waiting.signal.aborted) return;
      const { status } = refusal(error);
      if (status >= 400 && status < 500 && status !== 401) await findRefused(subs);
      else throw error;
    }
  };
  const go = async () => {
    try {
      await ask([{ topic: 'fleet' }], 0);
      if (over) return;
      hears.opened();
      while (!over) await round();
    } catch (error) {
      if (!over) hears.closed(refusal(error).status === 401 ? 4401 : 1006);
    }
  };
  void go();
  return {
    // Whatever was said, the next question is about what is wanted now.
    say: () => {
      waiting?.abort();
      wake?.();
    },
    close: () => {
      over = true;
      waiting?.abort();
      wake?.();
      hears.closed(1000);
    },
  };
}
