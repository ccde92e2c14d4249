/** The address of the page as state: what is shown can be linked, and the way back leads back. */
import { computed, signal } from '@preact/signals';
import { pending } from './later';
import { keepStanding, stand, stood } from './standing';

export interface Place {
  readonly path: string;
  readonly search: string;
  readonly hash: string;
}

const here = (): Place => ({ path: location.pathname, search: location.search, hash: location.hash });

export const place = signal<Place>(here());
export const query = computed(() => new URLSearchParams(place.value.search));

/** Asked before leaving; answers why one should stay, or nothing. */
let guard: (() => string | undefined) | undefined;
export function guardLeaving(ask: (() => string | undefined) | undefined): void {
  guard = ask;
}

function mayLeave(path: string): boolean {
  if (!guard || path === place.value.path) return true;
  const why = guard();
  if (why && !confirm(why)) return false;
  guard = undefined;
  return true;
}

export function navigate(to: string, how: { replace?: boolean } = {}): void {
  const url = new URL(to, location.href);
  if (!mayLeave(url.pathname)) return;
  const samePath = url.pathname === place.value.path;
  if (how.replace) history.replaceState(null, '', url);
  else if (url.href !== location.href) {
    keepStanding();
    history.pushState(null, '', url);
  }
  place.value = here();
  if (!samePath) stand(0);
}

/** Changes some of the query, and leaves the rest. `undefined` takes a name out. */
export function setQuery(values: Record<string, string | number | undefined>, how: { push?: boolean; hash?: string } = {}): void {
  const next = new URLSearchParams(place.value.search);
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === '') next.delete(name);
    else next.set(name, String(value));
  }
  const text = next.toString();
  const to = `${place.value.path}${text ? `?${text}` : ''}${how.hash ?? ''}`;
  navigate(to, { replace: !how.push });
}

export function begin(): void {
  history.scrollRestoration = 'manual';
  addEventListener('popstate', () => {
    const samePath = location.pathname === place.value.path;
    place.value = here();
    if (!samePath) stand(stood());
  });
  addEventListener('hashchange', () => {
    if (location.hash !== place.value.hash) place.value = here();
  });
  addEventListener('beforeunload', (event) => {
    if (guard?.() || pending.value > 0) event.preventDefault();
  });
  // Every link of ours, wherever it stands.
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a[href]');
    if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute('download')) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || url.pathname.startsWith('/api/')) return;
    event.preventDefault();
    navigate(url.pathname + url.search + url.hash);
  });
}
