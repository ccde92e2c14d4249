/** What is said of templates before one is opened. Pure. */

/** `description:` of a definition. */
export function described(text: string): string {
  return /^description:\s*(.+)$/m.exec(text)?.[1] ?? '';
}

const FIRST = ['first', 'hello'];

/** What somebody should see first comes first; the rest by name. */
export function ordered<T>(all: readonly [name: string, rest: T][]): [string, T][] {
  const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return [...all].sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b));
}
