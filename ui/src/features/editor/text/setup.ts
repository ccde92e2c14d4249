/** What the field of a definition is made of, beside its text. */
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, startCompletion, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, codeFolding, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, type Diagnostic as Mark } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, highlightActiveLine, highlightActiveLineGutter, hoverTooltip, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Diagnostic } from '../../../api/types';
import { offsetOf, proposal } from '../model';
import { completed, documented, type Known } from './complete';
import { keyAt } from './place';
import type { Proposal, Schema } from './schema';

/** What is asked for while somebody writes: it may come later than the text. */
export interface Language {
  schema: Schema | undefined;
  known: Known;
}

const look = EditorView.theme({
  '&': { height: '100%', fontSize: '12px', color: 'var(--text)', backgroundColor: 'var(--surface)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '18px' },
  '.cm-content': { padding: '8px 0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 10px 0 6px' },
  '.cm-gutters': { backgroundColor: 'var(--raised)', color: 'var(--soft)', border: 'none', borderRight: '1px solid var(--line)' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 6px 0 10px', minWidth: '32px' },
  '.cm-foldGutter .cm-gutterElement': { padding: '0 4px', cursor: 'pointer' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--select) 45%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'var(--sunken)', color: 'var(--text)' },
  '.cm-selectionMatch': { backgroundColor: 'var(--sunken)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--sunken)', outline: '1px solid var(--line-strong)' },
  '.cm-foldPlaceholder': { backgroundColor: 'var(--sunken)', border: 'none', color: 'var(--soft)', padding: '0 6px' },
  '.cm-tooltip': { backgroundColor: 'var(--surface)', border: '1px solid var(--line-strong)', borderRadius: '6px', boxShadow: 'var(--shadow)', color: 'var(--text)' },
  '.cm-tooltip.cm-completionInfo': { padding: '8px 10px', maxWidth: '360px', font: '12px/18px var(--sans)' },
  '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '14em' },
  '.cm-tooltip-autocomplete > ul > li': { padding: '2px 8px' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent-fill)', color: 'var(--on-fill)' },
  '.cm-completionIcon': { display: 'none' },
  '.cm-completionDetail': { color: 'var(--soft)', fontStyle: 'normal' },
  '.cm-doc': { padding: '8px 10px', maxWidth: '400px', font: '12px/18px var(--sans)' },
  '.cm-diagnostic': { font: '12px/18px var(--sans)', padding: '6px 10px', borderLeftWidth: '3px', whiteSpace: 'pre-wrap' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--failed-fill)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--attention-fill)' },
  '.cm-diagnosticSource': { color: 'var(--soft)', fontSize: '11px', opacity: '1' },
  '.cm-diagnosticAction': { font: '12px/18px var(--sans)', padding: '1px 8px', marginLeft: '8px', borderRadius: '4px', backgroundColor: 'var(--accent-fill)', color: 'var(--on-fill)', cursor: 'pointer' },
  '.cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--text)' },
  '.cm-panels.cm-panels-top': { borderBottom: '1px solid var(--line)' },
  '.cm-textfield': { backgroundColor: 'var(--surface)', border: '1px solid var(--line-strong)', borderRadius: '4px', color: 'inherit' },
  '.cm-button': { backgroundImage: 'none', backgroundColor: 'var(--surface)', border: '1px solid var(--line-strong)', borderRadius: '4px', color: 'inherit' },
});

const ink = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--success)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--soft)', fontStyle: 'italic' },
  { tag: [tags.keyword, tags.bool, tags.null, tags.number, tags.atom], color: 'var(--attention)' },
  { tag: [tags.meta, tags.labelName, tags.typeName], color: 'var(--running)' },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: 'var(--soft)' },
]);

function option(one: Proposal, at: number): Completion {
  const same = { label: one.label, boost: Math.max(-99, 50 - at), ...(one.says ? { info: one.says } : {}) };
  if (one.kind !== 'key') return same;
  const apply = (view: EditorView, _: Completion, from: number, to: number) => {
    const follows = /^\s*:/.test(view.state.sliceDoc(to, to + 3));
    const insert = follows ? one.label : `${one.label}: `;
    view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length }, userEvent: 'input.complete' });
    if (!follows) startCompletion(view);
  };
  return { ...same, apply };
}

function proposing(language: () => Language) {
  return (context: CompletionContext): CompletionResult | null => {
    const { schema, known } = language();
    if (!schema) return null;
    const found = completed(schema, context.state.doc.toString(), context.pos, known);
    if (!found || found.proposals.length === 0) return null;
    const typed = context.state.sliceDoc(found.from, context.pos);
    if (!context.explicit && found.place.kind === 'key' && typed === '') return null;
    if (found.proposals.some((one) => one.label === typed) && !context.explicit) return null;
    return { from: found.from, options: found.proposals.map(option), validFor: /^[\w.-]*$/ };
  };
}

function documentation(language: () => Language) {
  return hoverTooltip((view, pos) => {
    const { schema } = language();
    const key = keyAt(view.state.doc.toString(), pos);
    const says = schema && key ? documented(schema, key.path) : '';
    if (!key || !says) return null;
    const create = () => {
      const dom = document.createElement('div');
      dom.className = 'cm-doc';
      dom.textContent = says;
      return { dom };
    };
    return { pos: key.from, end: key.to, above: true, create };
  });
}

/**
 * Text that takes the place of a selection is laid in here and not by the browser, which would carry
 * styles of what was there along: the page's policy refuses those, with a word to the console.
 */
const replacing = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { data } = event;
    if (event.inputType !== 'insertText' || data === null || view.state.readOnly || view.composing) return false;
    const { from, to } = replaced(view);
    if (from === to) return false;
    const laid = () => view.state.update({ changes: { from, to, insert: data }, selection: { anchor: from + data.length }, userEvent: 'input.type', scrollIntoView: true });
    const taken = view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, data, laid));
    if (!taken) view.dispatch(laid());
    event.preventDefault();
    return true;
  },
});

/** What the browser is about to replace: in a window without focus the field may not have heard of it. */
function replaced(view: EditorView): { from: number; to: number } {
  const root = view.root as Document & { getSelection?: () => Selection | null };
  const chosen = root.getSelection?.();
  const { anchorNode, focusNode } = chosen ?? {};
  const isOurs = anchorNode && focusNode && view.contentDOM.contains(anchorNode) && view.contentDOM.contains(focusNode);
  if (!chosen || chosen.isCollapsed || !isOurs) return view.state.selection.main;
  const ends = [view.posAtDOM(anchorNode, chosen.anchorOffset), view.posAtDOM(focusNode, chosen.focusOffset)];
  return { from: Math.min(...ends), to: Math.max(...ends) };
}

export interface Setup {
  label: string;
  language: () => Language;
  save: () => void;
  changed: (text: string) => void;
  /** The cursor was moved to here. */
  moved: (offset: number) => void;
}

export function extensions({ label, language, save, changed, moved }: Setup): Extension[] {
  return [
    lineNumbers(),
    lintGutter(),
    foldGutter(),
    codeFolding(),
    history(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    search({ top: true }),
    EditorState.tabSize.of(2),
    indentUnit.of('  '),
    yaml(),
    replacing,
    syntaxHighlighting(ink),
    look,
    autocompletion({ override: [proposing(language)], icons: false }),
    documentation(language),
    keymap.of([
      { key: 'Mod-s', run: () => (save(), true), preventDefault: true },
      { key: 'Tab', run: acceptCompletion },
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...completionKeymap,
      ...lintKeymap,
      // `Esc` before it takes Tab out of the field, as everywhere on the page.
      indentWithTab,
    ]),
    // Said to be reached by the keyboard, which it is anyway: by that readers know that what scrolls can be scrolled.
    EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0', spellcheck: 'false', autocorrect: 'off', autocapitalize: 'off' }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) changed(update.state.doc.toString());
      if (update.docChanged || update.selectionSet) moved(update.state.selection.main.head);
    }),
  ];
}

/** As the field marks it: at the very characters that the server names. */
export function mark(text: string, one: Diagnostic): Mark {
  const span = one.spans[0];
  const from = span ? offsetOf(text, span.start.line, span.start.col) : 0;
  const end = span ? offsetOf(text, span.end.line, span.end.col) : 0;
  const to = Math.min(text.length, Math.max(from, end));
  const instead = proposal(one);
  return {
    from,
    to,
    severity: one.severity,
    source: one.code,
    message: one.help ? `${one.message}\n${one.help}` : one.message,
    ...(instead === undefined ? {} : { actions: [{ name: `Fix: ${instead}`, apply: (view: EditorView, start: number, stop: number) => put(view, start, stop, instead) }] }),
  };
}

function put(view: EditorView, from: number, to: number, word: string): void {
  const quote = /^["']/.exec(view.state.sliceDoc(from, to))?.[0] ?? '';
  view.dispatch({ changes: { from, to, insert: quote + word + quote }, userEvent: 'input.fix' });
}
