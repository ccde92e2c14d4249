/** What is asked for once, and again when it is said to be old. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { refusal, type Refusal } from '../api/client';

export interface Loaded<T> {
  value: T | undefined;
  refused: Refusal | undefined;
  busy: boolean;
  again: () => void;
  set: (value: T) => void;
}

/**
 * Asks when `key` changes; with an `undefined` key nothing is asked. While the same thing is asked for
 * anew (`version` differs), what is known stays.
 */
export function useLoad<T>(key: string | undefined, ask: () => Promise<T>, version: unknown = 0): Loaded<T> {
  const [state, setState] = useState<{ key: string | undefined; value?: T; refused?: Refusal; busy: boolean }>({
    key: undefined,
    busy: false,
  });
  const [round, setRound] = useState(0);
  const asking = useRef(ask);
  asking.current = ask;
  useEffect(() => {
    if (key === undefined) return undefined;
    // An answer that nobody waits for any more is passed over: breaking it off would look like a fault.
    let over = false;
    setState((old) => (old.key === key ? { ...old, busy: true } : { key, busy: true }));
    asking
      .current()
      .then((value) => {
        if (!over) setState({ key, value, busy: false });
      })
      .catch((error: unknown) => {
        if (!over) setState((old) => ({ ...old, key, refused: refusal(error), busy: false }));
      });
    return () => {
      over = true;
    };
  }, [key, round, version]);
  const ours = state.key === key;
  return {
    value: ours ? state.value : undefined,
    refused: ours ? state.refused : undefined,
    busy: state.busy,
    again: () => setRound((n) => n + 1),
    set: (value) => setState({ key, value, busy: false }),
  };
}
