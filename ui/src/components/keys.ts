/**
 * Every key that does something, in one table. A page says by its id what a key does while the page
 * stands; the one that said so last is heard. Off while somebody types or a dialog is open.
 */
import { useLayoutEffect, useRef } from 'preact/hooks';

export interface Shortcut {
  /** `g n`: one after the other. `mod+k`: with Ctrl or Cmd. */
  keys: string;
  says: string;
}

export const SHORTCUTS = {
  palette: { keys: 'mod+k', says: 'Go to, or do, anything' },
  help: { keys: '?', says: 'All keys' },
  filter: { keys: '/', says: 'Filter what is listed' },
  back: { keys: 'Escape', says: 'Back' },
  'go.now': { keys: 'g n', says: 'Go to Now' },
  'go.inbox': { keys: 'g i', says: 'Go to the inbox' },
  'go.tasks': { keys: 'g t', says: 'Go to tasks' },
  'go.pipelines': { keys: 'g p', says: 'Go to pipelines' },
  'go.runs': { keys: 'g r', says: 'Go to runs' },
  'go.fleet': { keys: 'g f', says: 'Go to the fleet' },
  'go.metrics': { keys: 'g m', says: 'Go to metrics' },
  'go.audit': { keys: 'g a', says: 'Go to the audit' },
  'list.next': { keys: 'j', says: 'Next row' },
  'list.last': { keys: 'k', says: 'Row before' },
  'list.open': { keys: 'Enter', says: 'Open the row' },
  'list.peek': { keys: 'Space', says: 'Peek into the row' },
  'list.select': { keys: 'x', says: 'Select the row' },
  'approval.approve': { keys: 'a', says: 'Approve: to the comment' },
  'approval.changes': { keys: 'r', says: 'Request changes' },
  'approval.reject': { keys: 'x', says: 'Reject' },
  'approval.delegate': { keys: 'd', says: 'Delegate' },
  'run.graph': { keys: '1', says: 'Graph' },
  'run.timeline': { keys: '2', says: 'Timeline' },
  'run.table': { keys: '3', says: 'Table' },
  'run.failure': { keys: 'f', says: 'First failure' },
  'run.stage.last': { keys: '[', says: 'Stage before' },
  'run.stage.next': { keys: ']', says: 'Next stage' },
  'run.attempt.last': { keys: '{', says: 'Attempt before' },
  'run.attempt.next': { keys: '}', says: 'Next attempt' },
  'run.log': { keys: 'l', says: 'Log' },
  'run.events': { keys: 'e', says: 'Events' },
  'run.actions': { keys: '.', says: 'What can be done with the run' },
  'log.search': { keys: '/', says: 'Search the log' },
  'log.next': { keys: 'n', says: 'Next hit' },
  'log.last': { keys: 'N', says: 'Hit before' },
  'log.end': { keys: 'G', says: 'End of the log' },
  'log.begin': { keys: 'g g', says: 'Beginning of the log' },
  'log.wrap': { keys: 'w', says: 'Wrap lines' },
  'log.times': { keys: 't', says: 'Times of the lines' },
  'log.fold': { keys: 'z', says: 'Fold or open all groups' },
} as const satisfies Record<string, Shortcut>;

export type ShortcutId = keyof typeof SHORTCUTS;

/** A key as the table writes it. */
export function nameOf(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>): string {
  const key = event.key === ' ' ? 'Space' : event.key;
  return event.ctrlKey || event.metaKey ? `mod+${key.toLowerCase()}` : event.altKey ? `alt+${key}` : key;
}

/** What a key means after the keys before it: one of `wanted` (the last said first), or that more may follow. Pure. */
export function meaning(before: string, key: string, wanted: readonly ShortcutId[]): { id?: ShortcutId; before: string } {
  const typed = before === '' ? key : `${before} ${key}`;
  const id = wanted.find((one) => SHORTCUTS[one].keys === typed);
  if (id) return { id, before: '' };
  if (wanted.some((one) => SHORTCUTS[one].keys.startsWith(`${typed} `))) return { before: typed };
  return before === '' ? { before: '' } : meaning('', key, wanted);
}

interface Bound {
  id: ShortcutId;
  act: () => void;
}

const bound: Bound[] = [];
/** How long a first key waits for its second. */
const PAUSE = 1500;
let before = '';
let timer: ReturnType<typeof setTimeout> | undefined;

/** Where keys are letters. */
function isTyping(target: EventTarget | null): boolean {
  const element = target instanceof Element ? target.closest('input, textarea, select, [contenteditable=true], [contenteditable=""]') : null;
  if (!(element instanceof HTMLInputElement)) return element !== null;
  return !['checkbox', 'radio', 'button', 'range', 'file'].includes(element.type);
}

/** What the browser does something with by itself. A box to tick does nothing at Enter, but sends the form it stands in. */
const NATIVE: Record<string, string> = {
  Enter: 'a[href], button, summary, form input, input:not([type=checkbox], [type=radio]), [role=treeitem]',
  Space: 'button, summary, input, [role=treeitem]',
};

function isNative(key: string, target: EventTarget | null): boolean {
  const takers = NATIVE[key];
  return takers !== undefined && target instanceof Element && target.closest(takers) !== null;
}

function hear(event: KeyboardEvent): void {
  const key = nameOf(event);
  const everywhere = key === 'mod+k';
  // Out of a filter with what was typed kept: browsers would clear it.
  if (key === 'Escape' && event.target instanceof HTMLInputElement && event.target.type === 'search') {
    event.preventDefault();
    event.target.blur();
    return;
  }
  if (event.defaultPrevented || event.isComposing || ['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
  // Within a shadow tree (the field of a definition) the event's own target is only the tree's host.
  const target = event.composedPath()[0] ?? event.target;
  if (!everywhere && (isTyping(target) || document.querySelector('dialog[open]') || isNative(key, target))) return;
  const wanted = bound.map((one) => one.id).reverse();
  const found = meaning(before, key, wanted);
  clearTimeout(timer);
  before = found.before;
  if (before !== '') {
    timer = setTimeout(() => (before = ''), PAUSE);
    event.preventDefault();
  }
  if (!found.id) return;
  event.preventDefault();
  bound.findLast((one) => one.id === found.id)?.act();
}

/** Begins to listen; answers how to stop. */
export function listenToKeys(): () => void {
  addEventListener('keydown', hear);
  return () => removeEventListener('keydown', hear);
}

/** What the key of this id does while the component stands; without `act`: nothing. */
export function useShortcut(id: ShortcutId, act: (() => void) | undefined): void {
  const last = useRef(act);
  last.current = act;
  const on = act !== undefined;
  // As soon as it can be seen: who reads of a hit may press for the next one.
  useLayoutEffect(() => {
    if (!on) return undefined;
    const one: Bound = { id, act: () => last.current?.() };
    bound.push(one);
    return () => {
      bound.splice(bound.indexOf(one), 1);
    };
  }, [id, on]);
}

/** Those that do something now. */
export function heardNow(): ShortcutId[] {
  const ids = new Set(bound.map((one) => one.id));
  return (Object.keys(SHORTCUTS) as ShortcutId[]).filter((id) => ids.has(id));
}
