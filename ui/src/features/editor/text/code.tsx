/**
 * The field that a definition is written in. It stands in a shadow tree: there the library lays its
 * style sheets by the door that the page's policy leaves open to scripts of its own, and writes no
 * style elements, which the policy refuses.
 */
import { undo } from '@codemirror/commands';
import { setDiagnostics } from '@codemirror/lint';
import { Compartment, EditorSelection, EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { useEffect, useRef } from 'preact/hooks';
import type { Diagnostic } from '../../../api/types';
import { offsetOf } from '../model';
import { extensions, mark, type Language } from './setup';

export interface CodeHandle {
  /** Lines and columns from 1. */
  goTo: (line: number, col: number) => void;
  /** The last change goes, whoever made it. */
  undo: () => void;
}

interface Props {
  text: string;
  /** Another one: the text is not of this field, and is to be shown. Between two of them the field is ahead. */
  stamp: number;
  diagnostics: readonly Diagnostic[];
  language: Language;
  readOnly: boolean;
  change: (text: string) => void;
  moved: (offset: number) => void;
  save: () => void;
  handle: { current: CodeHandle | null };
}

/** The one change that makes one text of another: what is equal at both ends stays, with its cursor. */
export function difference(from: string, to: string): { from: number; to: number; insert: string } {
  let head = 0;
  const most = Math.min(from.length, to.length);
  while (head < most && from[head] === to[head]) head += 1;
  let tail = 0;
  while (tail < most - head && from[from.length - 1 - tail] === to[to.length - 1 - tail]) tail += 1;
  return { from: head, to: from.length - tail, insert: to.slice(head, to.length - tail) };
}

export function Code({ text, stamp, diagnostics, language, readOnly, change, moved, save, handle }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const reading = useRef(new Compartment());
  const now = useRef({ change, moved, save, language, text });
  now.current = { change, moved, save, language, text: now.current.text };

  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' });
    const parent = document.createElement('div');
    parent.style.height = '100%';
    root.replaceChildren(parent);
    const made = new EditorView({
      root,
      parent,
      state: EditorState.create({
        doc: text,
        extensions: [
          reading.current.of(EditorState.readOnly.of(readOnly)),
          ...extensions({
            label: 'Definition',
            language: () => now.current.language,
            save: () => now.current.save(),
            moved: (offset) => now.current.moved(offset),
            changed: (written) => {
              if (written === now.current.text) return;
              now.current.text = written;
              now.current.change(written);
            },
          }),
        ],
      }),
    });
    now.current.text = text;
    view.current = made;
    handle.current = {
      undo: () => void undo(made),
      goTo: (line, col) => {
        const at = Math.min(made.state.doc.length, offsetOf(made.state.doc.toString(), line, col));
        made.dispatch({ selection: EditorSelection.cursor(at), effects: EditorView.scrollIntoView(at, { y: 'center' }) });
        made.focus();
      },
    };
    return () => {
      handle.current = null;
      made.destroy();
      view.current = undefined;
    };
  }, []);

  useEffect(() => {
    const made = view.current;
    if (!made || text === now.current.text) return;
    now.current.text = text;
    made.dispatch({ changes: difference(made.state.doc.toString(), text) });
  }, [stamp]);

  useEffect(() => {
    view.current?.dispatch({ effects: reading.current.reconfigure(EditorState.readOnly.of(readOnly)) });
  }, [readOnly]);

  useEffect(() => {
    const made = view.current;
    if (!made) return;
    const written = made.state.doc.toString();
    made.dispatch(setDiagnostics(made.state, diagnostics.map((one) => mark(written, one))));
  }, [diagnostics]);

  return <div ref={host} class="code-field" />;
}
