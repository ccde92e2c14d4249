/** What the server says of a text while it is written: one validator for everybody. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { post, refusal, type Refusal } from '../../api/client';
import type { Diagnostic, Graph } from '../../api/types';

export interface Checked {
  diagnostics: readonly Diagnostic[];
  /** Nothing: not known yet. */
  valid: boolean | undefined;
  /** Of the last text that was valid. */
  graph: Graph | undefined;
  /** The graph is of this very text. */
  current: boolean;
  refused: Refusal | undefined;
}

/** So long after the last key it is asked. */
const QUIET = 120;

export function useChecked(text: string, file: string): Checked {
  const [checked, setChecked] = useState<Checked>({ diagnostics: [], valid: undefined, graph: undefined, current: false, refused: undefined });
  const round = useRef(0);
  useEffect(() => {
    const mine = (round.current += 1);
    const timer = setTimeout(() => {
      post('/api/validate', { query: { graph: true }, body: { definition: text, file } }).then(
        ({ diagnostics, valid, graph }) => {
          if (mine !== round.current) return;
          setChecked((old) => ({ diagnostics, valid, graph: graph ?? old.graph, current: valid, refused: undefined }));
        },
        (error: unknown) => {
          if (mine === round.current) setChecked((old) => ({ ...old, refused: refusal(error) }));
        },
      );
    }, round.current === 1 ? 0 : QUIET);
    return () => clearTimeout(timer);
  }, [text]);
  return checked;
}
