/** Filters that somebody keeps for themselves, in this browser. */
const KEY = 'orchestrate.runs.views';
const MOST = 12;

/** As they were kept, oldest first; what is no list of filters counts as none. */
export function parsed(text: string | null): string[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string' && one !== '').slice(0, MOST) : [];
  } catch {
    return [];
  }
}

/** With this one kept, or no longer; the oldest goes when there are too many. */
export function toggled(views: readonly string[], filter: string): string[] {
  const text = filter.trim();
  if (text === '') return [...views];
  return views.includes(text) ? views.filter((view) => view !== text) : [...views, text].slice(-MOST);
}

export function kept(): string[] {
  return parsed(localStorage.getItem(KEY));
}

export function keep(views: readonly string[]): void {
  localStorage.setItem(KEY, JSON.stringify(views));
}
