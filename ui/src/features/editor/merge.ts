/** Three texts made one: what both began with, what they made of it, what I made of it. Pure. */
import { allLines } from '../../components/diff';

export interface Hunk {
  /** Who changed these lines; `both` alike, or `conflict` differently. */
  by: 'nobody' | 'mine' | 'theirs' | 'both' | 'conflict';
  base: string[];
  mine: string[];
  theirs: string[];
}

/** By line of the one text: the line of the other that is the same one. */
function matches(from: string[], to: string[]): Map<number, number> {
  const found = new Map<number, number>();
  let [a, b] = [0, 0];
  for (const { kind } of allLines(from, to)) {
    if (kind === ' ') found.set(a, b);
    if (kind !== '+') a += 1;
    if (kind !== '-') b += 1;
  }
  return found;
}

const equal = (a: string[], b: string[]): boolean => a.length === b.length && a.every((line, at) => line === b[at]);

function judged(base: string[], mine: string[], theirs: string[]): Hunk {
  const by = equal(mine, theirs) ? (equal(mine, base) ? 'nobody' : 'both') : equal(mine, base) ? 'theirs' : equal(theirs, base) ? 'mine' : 'conflict';
  return { by, base, mine, theirs };
}

export function merged(baseText: string, mineText: string, theirsText: string): Hunk[] {
  const [base, mine, theirs] = [baseText.split('\n'), mineText.split('\n'), theirsText.split('\n')];
  const [toMine, toTheirs] = [matches(base, mine), matches(base, theirs)];
  const hunks: Hunk[] = [];
  let [b, m, t] = [0, 0, 0];
  const close = (nextB: number, nextM: number, nextT: number) => {
    if (nextB > b || nextM > m || nextT > t) hunks.push(judged(base.slice(b, nextB), mine.slice(m, nextM), theirs.slice(t, nextT)));
    [b, m, t] = [nextB, nextM, nextT];
  };
  let stable: { b: number; m: number; t: number; length: number } | undefined;
  const flush = () => {
    if (!stable) return;
    close(stable.b, stable.m, stable.t);
    close(stable.b + stable.length, stable.m + stable.length, stable.t + stable.length);
    stable = undefined;
  };
  for (let at = 0; at < base.length; at += 1) {
    const [inMine, inTheirs] = [toMine.get(at), toTheirs.get(at)];
    if (inMine === undefined || inTheirs === undefined) continue;
    if (stable && stable.b + stable.length === at && stable.m + stable.length === inMine && stable.t + stable.length === inTheirs) stable.length += 1;
    else {
      flush();
      stable = { b: at, m: inMine, t: inTheirs, length: 1 };
    }
  }
  flush();
  close(base.length, mine.length, theirs.length);
  return hunks;
}

export type Side = 'mine' | 'theirs';

/** `chosen` by place of the conflict among the hunks; without a choice mine stands. */
export function resolved(hunks: readonly Hunk[], chosen: ReadonlyMap<number, Side>): string {
  return hunks
    .flatMap((hunk, at) => {
      if (hunk.by === 'theirs') return hunk.theirs;
      if (hunk.by === 'conflict' && chosen.get(at) === 'theirs') return hunk.theirs;
      return hunk.mine;
    })
    .join('\n');
}

export const conflicts = (hunks: readonly Hunk[]): number => hunks.filter((hunk) => hunk.by === 'conflict').length;
