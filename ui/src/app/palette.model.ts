/** What the palette finds. Pure. */

export interface Entry {
  group: 'Actions' | 'Runs' | 'Pipelines' | 'Tasks' | 'Agents' | 'Pages' | 'Docs';
  label: string;
  /** Beside it: a status, a key. */
  hint: string;
  to: { href: string } | { act: () => unknown };
  why?: string | undefined;
}

/** By its first sign a text means one kind of thing: `>` commands, `#` runs, `@` agents. */
const KINDS: Record<string, Entry['group']> = { '>': 'Actions', '#': 'Runs', '@': 'Agents' };
const ORDER: readonly Entry['group'][] = ['Actions', 'Runs', 'Pipelines', 'Tasks', 'Agents', 'Pages', 'Docs'];
/** Of each group, where all are shown. */
const FEW = 7;
const MANY = 40;

/** How well it fits: the whole, its beginning, the beginning of a word, anywhere, its letters in order. */
export function rank(label: string, wanted: string): number {
  const [text, word] = [label.toLowerCase(), wanted.toLowerCase().trim()];
  if (word === '') return 1;
  if (text === word) return 6;
  if (text.startsWith(word)) return 5;
  if (text.split(/[\s\-_/#]+/).some((part) => part.startsWith(word))) return 4;
  if (text.includes(word)) return 3;
  if (word.includes(' ') && word.split(/\s+/).every((part) => text.includes(part))) return 2;
  let at = 0;
  for (const sign of word) {
    at = text.indexOf(sign, at) + 1;
    if (at === 0) return 0;
  }
  return 1;
}

export function search(entries: readonly Entry[], typed: string): Entry[] {
  const only = KINDS[typed[0] ?? ''];
  const wanted = only ? typed.slice(1) : typed;
  const found = entries
    .filter((entry) => only === undefined || entry.group === only)
    .map((entry, at) => ({ entry, at, rank: rank(entry.label, wanted) }))
    .filter((one) => one.rank > 0)
    .sort((a, b) => b.rank - a.rank || a.at - b.at);
  const best = new Map<Entry['group'], number>();
  for (const { entry, rank: value } of found) best.set(entry.group, Math.max(best.get(entry.group) ?? 0, value));
  // With words, the group of what fits best stands first; without, the usual order.
  const groups = ORDER.filter((group) => best.has(group)).sort((a, b) => (wanted.trim() === '' ? 0 : (best.get(b) ?? 0) - (best.get(a) ?? 0)));
  return groups.flatMap((group) => found.filter(({ entry }) => entry.group === group).slice(0, only ? MANY : FEW).map(({ entry }) => entry));
}
