/** The server's time. The browser's own clock may be wrong by hours, and is never shown. */

let offset = 0;
let known = false;

/** Takes the `Date` of an answer, which is true to a second. */
export function heard(date: string | null, local = Date.now()): void {
  const said = date ? Date.parse(date) : Number.NaN;
  if (Number.isNaN(said)) return;
  const found = said + 500 - local;
  // Small differences are the rounding of the header: following them would make times jump.
  if (!known || Math.abs(found - offset) > 1500) offset = found;
  known = true;
}

export function serverNow(local = Date.now()): number {
  return local + (Math.abs(offset) < 1500 ? 0 : offset);
}
