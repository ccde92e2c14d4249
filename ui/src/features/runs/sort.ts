/** By what the list of runs is sorted, and how that is kept. Pure. */

export const SORTS = ['created', 'duration', 'name', 'status'] as const;
export type SortKey = (typeof SORTS)[number];

/** `-duration`: the longest first. */
export type Sort = SortKey | `-${SortKey}`;

/** Newest first, as the server has it by itself. */
export const DEFAULT: Sort = '-created';

export const keyOf = (sort: Sort): SortKey => sort.replace('-', '') as SortKey;

/** What is no order counts as none. */
export function parsedSort(text: string | null | undefined): Sort {
  const known = SORTS.some((key) => text === key || text === `-${key}`);
  return known ? (text as Sort) : DEFAULT;
}

/** After a press on this column: times begin with the newest or the longest, words with A. */
export function pressed(sort: Sort, key: SortKey): Sort {
  if (keyOf(sort) === key) return sort.startsWith('-') ? key : `-${key}`;
  return key === 'created' || key === 'duration' ? `-${key}` : key;
}

export function ariaSort(sort: Sort, key: SortKey): 'ascending' | 'descending' | undefined {
  if (keyOf(sort) !== key) return undefined;
  return sort.startsWith('-') ? 'descending' : 'ascending';
}

/** A view that is kept: its filter, and its order where that is another than the usual one. */
export function viewText(filter: string, sort: Sort): string {
  return [filter.trim(), sort === DEFAULT ? '' : `sort:${sort}`].filter(Boolean).join(' ');
}

export function ofView(view: string): { filter: string; sort: Sort } {
  const words = view.split(/\s+/).filter(Boolean);
  const sort = words.find((word) => word.startsWith('sort:'));
  return { filter: words.filter((word) => word !== sort).join(' '), sort: parsedSort(sort?.slice(5)) };
}
