/** Keys that do the same on every page, and what they open. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { listenToKeys, useShortcut } from '../components/keys';
import { navigate } from '../components/location';
import { moveRow, rowAt } from '../components/rows';
import { tell } from '../components/toast';

type Shown = ComponentType<{ close: () => void }>;

export const opened: { palette: () => void } = { palette: () => undefined };

export function Shortcuts() {
  const [Open, show] = useState<Shown | undefined>(undefined);
  const open = (load: () => Promise<Shown>) => {
    if (document.querySelector('dialog[open]')) return;
    load().then((part) => show(() => part), () => tell('This part of the page could not be loaded. Load the page again.', 'trouble'));
  };
  const palette = () => open(() => import('./palette').then((file) => file.Palette));
  opened.palette = palette;
  useEffect(listenToKeys, []);
  useShortcut('palette', palette);
  useShortcut('help', () => open(() => import('./help').then((file) => file.Help)));
  useShortcut('go.now', () => navigate('/'));
  useShortcut('go.inbox', () => navigate('/inbox'));
  useShortcut('go.tasks', () => navigate('/tasks'));
  useShortcut('go.pipelines', () => navigate('/pipelines'));
  useShortcut('go.runs', () => navigate('/runs'));
  useShortcut('go.fleet', () => navigate('/fleet'));
  useShortcut('go.metrics', () => navigate('/metrics'));
  useShortcut('go.audit', () => navigate('/audit'));
  useShortcut('list.next', () => moveRow(1));
  useShortcut('list.last', () => moveRow(-1));
  useShortcut('list.open', () => rowAt()?.querySelector<HTMLElement>('a[href]')?.click());
  useShortcut('filter', () => document.querySelector<HTMLElement>('main .filter input, main input[type=search]')?.focus());
  useShortcut('back', () => (document.activeElement instanceof HTMLElement && document.activeElement !== document.body ? document.activeElement.blur() : undefined));
  return Open ? <Open close={() => show(undefined)} /> : null;
}
