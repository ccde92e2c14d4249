/** Marks by which the speed of the page is measured. Each is set once a visit of a place. */

export function markUseful(): void {
  performance.mark('orc:useful');
}

export function markGraphDrawn(): void {
  performance.mark('orc:graph-drawn');
}

export function markLogTail(): void {
  performance.mark('orc:log-tail');
}
