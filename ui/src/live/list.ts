/** A list after changes of its things: each is told as it is now, or as gone. */
import type { Entry } from '../api/types';

interface Thing {
  id?: string;
  name?: string;
  status?: string;
}

/** Where a list keeps what an entry tells of, by which field it is known, and the one status that it keeps. */
const KEPT: Record<string, { list: string; key: (thing: Thing) => string | undefined; newFirst: boolean; only?: string }> = {
  run: { list: 'runs', key: (thing) => thing.id, newFirst: true },
  pipeline: { list: 'pipelines', key: (thing) => thing.name, newFirst: false },
  approval: { list: 'approvals', key: (thing) => thing.id, newFirst: false, only: 'pending' },
  input: { list: 'inputs', key: (thing) => thing.id, newFirst: false, only: 'open' },
  task: { list: 'tasks', key: (thing) => thing.id, newFirst: true },
};

export function applyList(value: Record<string, unknown>, entries: readonly Entry[]): Record<string, unknown> {
  return entries.reduce(applied, value);
}

function applied(value: Record<string, unknown>, entry: Entry): Record<string, unknown> {
  if (entry.k === 'fleet' || entry.k === 'rollout') return { ...value, ...(entry.v as Record<string, unknown>) };
  const kept = KEPT[entry.k];
  if (!kept) return value;
  // A pipeline's own topic holds it alone, beside its runs.
  if (entry.k === 'pipeline' && 'pipeline' in value) return { ...value, pipeline: entry.v ?? null };
  const things = (value[kept.list] as Thing[] | undefined) ?? [];
  const id = entry.id ?? (entry.v ? kept.key(entry.v as Thing) : undefined);
  const at = things.findIndex((thing) => kept.key(thing) === id);
  const isGone = kept.only !== undefined && (entry.v as Thing | null)?.status !== kept.only;
  if (entry.v === null || entry.v === undefined || isGone) {
    return at < 0 ? value : { ...value, [kept.list]: things.filter((_, place) => place !== at) };
  }
  const now = entry.v as Thing;
  const list =
    at >= 0
      ? things.map((thing, place) => (place === at ? now : thing))
      : kept.newFirst
        ? [now, ...things]
        : [...things, now];
  return { ...value, [kept.list]: list };
}
