/** Colours of the style sheet for what is drawn on canvas. */
import { useEffect, useState } from 'preact/hooks';
import type { Hue } from './status';

const inks = new Map<string, string>();
let listening = false;

function forget(): void {
  inks.clear();
  dispatchEvent(new Event('repaint'));
}

function listenOnce(): void {
  if (listening) return;
  listening = true;
  addEventListener('themechange', forget);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', forget);
}

function variable(name: string): string {
  listenOnce();
  let found = inks.get(name);
  if (found === undefined) {
    found = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    inks.set(name, found);
  }
  return found;
}

const PLAIN = ['surface', 'raised', 'sunken', 'line', 'line-strong', 'text', 'soft', 'accent', 'select', 'hover'] as const;
export type Ink = Hue | (typeof PLAIN)[number] | `${Hue}-wash`;

export function ink(name: Ink): string {
  const plain = (PLAIN as readonly string[]).includes(name) || name.endsWith('-wash');
  return variable(plain ? `--${name}` : `--${name}-fill`);
}

/** Changes when everything has to be drawn anew in other colours. */
export function useRepaint(): number {
  const [round, setRound] = useState(0);
  useEffect(() => {
    listenOnce();
    const again = () => setRound((n) => n + 1);
    addEventListener('repaint', again);
    return () => removeEventListener('repaint', again);
  }, []);
  return round;
}
