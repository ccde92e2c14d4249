/** What is written and not saved: kept in this browser at every key, with the revision it began from. */

export interface Base {
  text: string;
  revision: number;
  tag: string | undefined;
}

export interface Draft {
  text: string;
  base: Base;
  /** When it was last written at, in ms. */
  at: number;
}

const keyOf = (name: string): string => `orchestrate.draft.${name}`;

/** What was kept; something that nobody can read is no draft. Pure. */
export function parsed(kept: string | null): Draft | undefined {
  if (kept === null) return undefined;
  try {
    const { text, base, at } = JSON.parse(kept) as Partial<Draft>;
    if (typeof text !== 'string' || typeof base?.text !== 'string' || typeof base.revision !== 'number') return undefined;
    return { text, base: { text: base.text, revision: base.revision, tag: base.tag }, at: typeof at === 'number' ? at : 0 };
  } catch {
    return undefined;
  }
}

export function readDraft(name: string): Draft | undefined {
  try {
    return parsed(localStorage.getItem(keyOf(name)));
  } catch {
    return undefined;
  }
}

/** `false`: this browser keeps nothing (any more). */
export function keepDraft(name: string, draft: Draft): boolean {
  try {
    localStorage.setItem(keyOf(name), JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

export function dropDraft(name: string): void {
  try {
    localStorage.removeItem(keyOf(name));
  } catch {
    // Where nothing is kept nothing has to go.
  }
}

/** Hears what other tabs of this browser write of the same draft; nothing: they dropped it. */
export function hearDraft(name: string, hear: (draft: Draft | undefined) => void): () => void {
  const heard = (event: StorageEvent) => {
    if (event.key === keyOf(name)) hear(parsed(event.newValue));
  };
  addEventListener('storage', heard);
  return () => removeEventListener('storage', heard);
}
