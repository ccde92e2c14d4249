/** The text that somebody writes, over reloads, crashes, other tabs and other people. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { dropDraft, hearDraft, keepDraft, readDraft, type Base } from './draft';

export interface Written {
  text: string;
  /** What it was made from. */
  base: Base;
  dirty: boolean;
  /** What somebody saved since; nothing while the base is what the server has. */
  behind: Base | undefined;
  /** Whether this browser keeps it, and since when. */
  kept: boolean;
  keptAt: number | undefined;
  /** What was written in the field of the text itself. */
  write: (text: string) => void;
  /** What comes from elsewhere: the field shows it from the next `stamp` on. */
  put: (text: string) => void;
  stamp: number;
  discard: () => void;
  /** Goes on with another text from another revision. */
  rebase: (base: Base, text: string) => void;
}

export function useDraft(name: string, saved: Base, again: () => void): Written {
  const first = useRef(readDraft(name));
  const [text, setText] = useState(first.current?.text ?? saved.text);
  const [base, setBase] = useState<Base>(first.current?.base ?? saved);
  const [keptAt, setKeptAt] = useState(first.current?.at);
  const [kept, setKept] = useState(true);
  /** What another tab wrote and keeps itself: saying it back could overtake what comes next. */
  const heard = useRef<string | undefined>(undefined);
  const [stamp, setStamp] = useState(0);
  const dirty = text !== base.text;
  const put = (to: string) => {
    setText(to);
    setStamp((n) => n + 1);
  };

  useEffect(() => {
    if (text === heard.current) return;
    heard.current = undefined;
    if (!dirty) {
      dropDraft(name);
      return;
    }
    const at = Date.now();
    setKept(keepDraft(name, { text, base, at }));
    setKeptAt(at);
  }, [text, dirty, base]);

  useEffect(
    () =>
      hearDraft(name, (draft) => {
        if (draft) {
          heard.current = draft.text;
          setBase(draft.base);
          put(draft.text);
          setKeptAt(draft.at);
          return;
        }
        // Saved or discarded over there: what the server has is what there is.
        put(base.text);
        again();
      }),
    [name, base],
  );

  // What the server has is another one now.
  const isOther = saved.revision !== base.revision;
  useEffect(() => {
    if (isOther && (!dirty || text === saved.text)) {
      setBase(saved);
      put(saved.text);
    }
  }, [saved]);

  return {
    text,
    base,
    dirty,
    behind: isOther && dirty && text !== saved.text ? saved : undefined,
    kept,
    keptAt,
    write: setText,
    put,
    stamp,
    discard: () => {
      put(saved.text);
      setBase(saved);
    },
    rebase: (to, mixed) => {
      setBase(to);
      put(mixed);
    },
  };
}
