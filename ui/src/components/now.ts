/** One clock for all relative times of the page: it ticks only while somebody looks at one. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { serverNow } from '../api/clock';

const now = signal(serverNow());
let lookers = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

function tick(): void {
  now.value = serverNow();
  timer = lookers > 0 ? setTimeout(tick, 1000) : undefined;
}

/** The server's time, true to a second, again and again. */
export function useNow(ticking = true): number {
  useEffect(() => {
    if (!ticking) return undefined;
    lookers += 1;
    if (timer === undefined) tick();
    return () => {
      lookers -= 1;
    };
  }, [ticking]);
  return ticking ? now.value : now.peek();
}
