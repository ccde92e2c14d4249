/** What can be done on the page that is open, for the palette: the same as its buttons. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

export interface PageAction {
  label: string;
  act: () => unknown;
  /** Why not now. */
  why?: string | undefined;
}

interface Offered {
  label: string;
  why: string | undefined;
  act: () => unknown;
}

const sources = new Map<object, Offered[]>();
export const offered = signal<readonly Offered[]>([]);

function tellAll(): void {
  offered.value = [...sources.values()].flat();
}

/** Offered while the component stands. */
export function useActions(actions: readonly PageAction[]): void {
  const last = useRef(actions);
  last.current = actions;
  const shape = actions.map(({ label, why }) => `${label} ${why ?? ''}`).join('\n');
  useEffect(() => {
    const key = {};
    sources.set(key, actions.map(({ label, why }, at) => ({ label, why, act: () => last.current[at]?.act() })));
    tellAll();
    return () => {
      sources.delete(key);
      tellAll();
    };
  }, [shape]);
}
