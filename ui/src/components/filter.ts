/** One line of words as a filter: `status:failed pipeline:nightly deploy`. Pure. */

export interface Filter {
  /** Values by key; several of one key mean any of them. */
  keys: Record<string, string[]>;
  /** Words that have to stand somewhere. */
  words: string[];
}

export function parseFilter(text: string): Filter {
  const filter: Filter = { keys: {}, words: [] };
  for (const part of text.trim().split(/\s+/).filter(Boolean)) {
    const at = part.indexOf(':');
    if (at > 0 && at < part.length - 1) {
      const values = part.slice(at + 1).split(',').filter(Boolean);
      const key = part.slice(0, at).toLowerCase();
      filter.keys[key] = [...(filter.keys[key] ?? []), ...values];
    } else filter.words.push(part.toLowerCase());
  }
  return filter;
}

/** Whether a thing with these fields is meant. Keys that it has not are passed over. */
export function fits(filter: Filter, fields: Record<string, string | undefined>): boolean {
  const wanted = Object.entries(filter.keys).every(([key, values]) => {
    const field = fields[key];
    return field === undefined ? !(key in fields) : values.some((value) => field.toLowerCase() === value.toLowerCase());
  });
  if (!wanted) return false;
  const all = Object.values(fields).join(' ').toLowerCase();
  return filter.words.every((word) => all.includes(word));
}
