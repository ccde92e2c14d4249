/** Going through the rows of whatever list a page shows, by keys. */

const ROWS = 'main .rows > li, main table tbody > tr, main .board li';

function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>(ROWS)].filter((row) => row.querySelector('a[href]') && row.offsetParent !== null);
}

/** The row that has the focus. */
export function rowAt(): HTMLElement | undefined {
  return document.activeElement?.closest<HTMLElement>(ROWS) ?? undefined;
}

/** Gives the focus to the next row, or the one before. */
export function moveRow(by: 1 | -1): void {
  const all = rows();
  const now = rowAt();
  const at = now ? all.indexOf(now) : by > 0 ? -1 : all.length;
  const to = all[Math.max(0, Math.min(all.length - 1, at + by))];
  to?.querySelector<HTMLElement>('a[href]')?.focus();
  to?.scrollIntoView({ block: 'nearest' });
}
