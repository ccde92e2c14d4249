/** Milliseconds until the next try to connect: half a second to eight, never two pages at once. */
export function pause(tries: number, chance: number): number {
  const most = Math.min(8000, 500 * 2 ** Math.min(tries, 4));
  return Math.round(most / 2 + (most / 2) * chance);
}
