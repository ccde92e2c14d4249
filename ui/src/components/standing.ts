/** Where one stood on a page, so that the way back leads there and not to its top. */

/** Written into the entry of the history that is left. */
export function keepStanding(): void {
  history.replaceState({ ...(history.state as object | null), top: Math.round(scrollY) }, '');
}

let leave: (() => void) | undefined;

/** Where this entry of the history was left; 0 for one that never was. */
export function stood(): number {
  const top = (history.state as { top?: unknown } | null)?.top;
  return typeof top === 'number' ? top : 0;
}

/** Goes there as soon as the page is long enough. Whoever moves meanwhile is left alone. */
export function stand(top: number): void {
  leave?.();
  if (top === 0) {
    scrollTo(0, 0);
    return;
  }
  const watch = new ResizeObserver(() => {
    if (document.documentElement.scrollHeight - innerHeight < top) return;
    leave?.();
    scrollTo(0, top);
  });
  const moves = ['wheel', 'touchmove', 'keydown', 'pointerdown'];
  leave = () => {
    watch.disconnect();
    for (const move of moves) removeEventListener(move, stop);
    leave = undefined;
  };
  const stop = leave;
  for (const move of moves) addEventListener(move, stop, { passive: true });
  watch.observe(document.body);
}
