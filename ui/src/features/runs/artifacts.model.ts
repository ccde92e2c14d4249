/** What stages left, and what each of it can be compared with. Pure. */
import type { ArtifactView, RunSummary } from '../../api/types';

export interface Left {
  artifact: ArtifactView;
  /** The same of earlier attempts, the newest first. */
  earlier: ArtifactView[];
}

const key = (one: ArtifactView): string => `${one.stage}\n${one.name}\n${one.path}`;

/** Newest of each first in its line; older attempts stand behind it. */
export function leftOf(all: readonly ArtifactView[]): Left[] {
  const lines = new Map<string, ArtifactView[]>();
  for (const one of all) lines.set(key(one), [...(lines.get(key(one)) ?? []), one]);
  return [...lines.values()].flatMap((same) => {
    const [newest, ...earlier] = same.sort((a, b) => b.attempt - a.attempt || b.created_at.localeCompare(a.created_at) || Number(b.id) - Number(a.id));
    return newest ? [{ artifact: newest, earlier }] : [];
  });
}

/** Runs of the same pipeline that came before, the newest first. */
export function runsBefore(runs: readonly RunSummary[], pipeline: string, number: number): RunSummary[] {
  return runs.filter((run) => run.pipeline === pipeline && run.number < number).sort((a, b) => b.number - a.number);
}

/** The same file of another run. */
export function sameIn(others: readonly ArtifactView[], one: ArtifactView): ArtifactView | undefined {
  return leftOf(others).find(({ artifact }) => key(artifact) === key(one))?.artifact;
}
