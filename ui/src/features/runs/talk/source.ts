/** A talk as it comes: what there is page by page, and what is said from now on by the stream. */
import { useEffect, useReducer, useRef } from 'preact/hooks';
import { refusal, send, type Refusal } from '../../../api/client';
import type { EventsFrame } from '../../../api/types';
import { listen } from '../../../live/socket';
import type { Happening } from './model';

const PAGE = 1000;

export interface Talk {
  all: readonly Happening[];
  /** Everything that there was has been read. */
  ready: boolean;
  refused: Refusal | undefined;
}

/** `run`: as the API is asked; `id`: of the topic. */
export function useTalk(run: string, id: string, stage: string): Talk {
  const [, again] = useReducer((n: number) => n + 1, 0);
  const state = useRef<Talk>({ all: [], ready: false, refused: undefined });
  useEffect(() => {
    let over = false;
    let unlisten: (() => void) | undefined;
    const set = (next: Partial<Talk>) => {
      if (over) return;
      state.current = { ...state.current, ...next };
      again(undefined as never);
    };
    state.current = { all: [], ready: false, refused: undefined };
    const last = () => state.current.all.at(-1)?.seq ?? 0;
    const take = (fresh: readonly Happening[]) => {
      const from = last();
      set({ all: [...state.current.all, ...fresh.filter((one) => one.seq > from)] });
    };
    let reading: Promise<void> | undefined;
    const readOn = async () => {
      for (let more = true; more && !over; ) {
        const response = await send(`/api/runs/${encodeURIComponent(run)}/talk/${encodeURIComponent(stage)}?limit=${PAGE}&after=${last()}`);
        const page = (await response.json()) as { data: Happening[]; next: string | null };
        take(page.data);
        more = page.next !== null && page.next !== undefined && page.data.length > 0;
      }
    };
    // One at a time: what comes meanwhile is read by the next.
    const catchUp = () => (reading ??= readOn().finally(() => (reading = undefined)));
    const fail = (error: unknown) => set({ refused: refusal(error), ready: true });
    const follow = () => {
      set({ ready: true });
      if (over) return;
      unlisten = listen(`talk:${id}/${stage}`, last(), (frame) => {
        const { ev = [], seq = 0 } = frame as Partial<EventsFrame>;
        const fresh = ev.map((entry) => entry.v as unknown as Happening);
        if (seq - ev.length <= last() && ev.length > 0) take(fresh);
        else if (seq > last()) void catchUp().catch(fail);
      });
    };
    catchUp().then(follow, fail);
    return () => {
      over = true;
      unlisten?.();
    };
  }, [run, id, stage]);
  return state.current;
}
