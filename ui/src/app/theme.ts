/** Light, dark, or as the system says. */
import { signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'orchestrate.theme';

function stored(): Theme {
  const said = localStorage.getItem(KEY);
  return said === 'light' || said === 'dark' ? said : 'system';
}

export const theme = signal<Theme>('system');

export function applyTheme(): void {
  theme.value = stored();
  show();
}

export function chooseTheme(to: Theme): void {
  theme.value = to;
  if (to === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, to);
  show();
}

function show(): void {
  if (theme.value === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
  // What is drawn on canvas follows.
  dispatchEvent(new Event('themechange'));
}
