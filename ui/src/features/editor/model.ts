/** A definition while it is written. Pure. */
import type { Diagnostic } from '../../api/types';

/** Where a line and column (from 1, in characters) are in the text. */
export function offsetOf(text: string, line: number, col: number): number {
  let at = 0;
  for (let left = line; left > 1; left -= 1) {
    const end = text.indexOf('\n', at);
    if (end < 0) return text.length;
    at = end + 1;
  }
  const end = text.indexOf('\n', at);
  const characters = [...text.slice(at, end < 0 ? text.length : end)].slice(0, Math.max(0, col - 1));
  return at + characters.join('').length;
}

/** The word that a help proposes instead: "did you mean `deploy-staging`?" */
export function proposal(one: Diagnostic): string | undefined {
  return /did you mean `([^`]+)`/.exec(one.help)?.[1];
}

/** The text with the proposal in place of what was marked. */
export function fixed(text: string, one: Diagnostic): string | undefined {
  const to = proposal(one);
  const span = one.spans[0];
  if (to === undefined || !span) return undefined;
  const from = offsetOf(text, span.start.line, span.start.col);
  const end = offsetOf(text, span.end.line, span.end.col);
  const old = text.slice(from, end);
  const quote = /^(["'])/.exec(old)?.[1] ?? '';
  return end > from ? text.slice(0, from) + quote + to + quote + text.slice(end) : undefined;
}

/** `r3 → r4`, `lines 3 to 38`: where in the text the stages stand. */
export function linesOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}
