/** A log as it comes: what there is by byte ranges, and what is written from now on by the stream. */
import { send, refusal, type Refusal } from '../../../api/client';
import { listen } from '../../../live/socket';
import { BLOCK, LogText } from './text';

const STEP = 4 * 1024 * 1024;

export interface LogSource {
  text: LogText;
  /** Share of what there was at the beginning that has been read. */
  share: () => number;
  ended: () => boolean;
  refused: () => Refusal | undefined;
  fetchBlock: (block: number) => void;
  stop: () => void;
}

/** `run`: as the API is asked; `id`: of the topic. `changed` is told whenever there is something new. */
export function openLog(run: string, id: string, stage: string, attempt: number, changed: () => void): LogSource {
  const text = new LogText();
  const url = `/api/runs/${encodeURIComponent(run)}/logs/${encodeURIComponent(stage)}?attempt=${attempt}`;
  let stopped = false;
  let total = 0;
  let ended = false;
  let refused: Refusal | undefined;
  let unlisten: (() => void) | undefined;
  const asked = new Set<number>();
  const encoder = new TextEncoder();

  const part = async (from: number, to: number): Promise<{ bytes: Uint8Array; all: number; done: boolean }> => {
    const response = await send(`${url}&offset=${from}&limit=${to - from}`);
    const all = Number(response.headers.get('x-orchestrate-total') ?? 0);
    const done = response.headers.get('x-orchestrate-ended') === 'true';
    return { bytes: new Uint8Array(await response.arrayBuffer()), all, done };
  };

  /** All that there is, in steps; then the stream from its end on. */
  const readOn = async () => {
    for (;;) {
      const { bytes, all, done } = await part(text.bytes, text.bytes + STEP);
      if (stopped) return;
      total = all;
      ended = done;
      if (bytes.length > 0) text.append(bytes, text.bytes);
      changed();
      if (bytes.length === 0 || text.bytes >= total) return;
    }
  };

  const follow = () => {
    if (ended || stopped) return;
    unlisten = listen(`log:${id}/${stage}/${attempt}`, text.bytes, (piece) => {
      if (!('bytes' in piece)) return;
      if (piece.ended) ended = true;
      if (piece.bytes !== '') {
        const bytes = encoder.encode(piece.bytes);
        const exact = bytes.length === piece.end - piece.off;
        // Not what was captured to the byte, or not where we are: the exact bytes are asked for.
        if (!exact || !text.append(bytes, piece.off)) {
          if (piece.end > text.bytes) void readOn().catch(fail);
        }
        total = Math.max(total, piece.end);
      }
      changed();
    });
  };

  const fail = (error: unknown) => {
    if (stopped) return;
    refused = refusal(error);
    changed();
  };

  readOn().then(follow, fail);

  return {
    text,
    share: () => (total === 0 ? 1 : text.bytes / total),
    ended: () => ended,
    refused: () => refused,
    fetchBlock: (block) => {
      if (asked.has(block)) return;
      asked.add(block);
      part(block * BLOCK, (block + 1) * BLOCK)
        .then(({ bytes }) => {
          text.put(block, bytes);
          changed();
        }, fail)
        .finally(() => asked.delete(block));
    },
    stop: () => {
      stopped = true;
      unlisten?.();
    },
  };
}
