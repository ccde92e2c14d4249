/** A definition on its way from one page to the editor. */

let held: string | undefined;

export function handOver(definition: string): void {
  held = definition;
}

/** What was handed over, once. */
export function taken(): string | undefined {
  const text = held;
  held = undefined;
  return text;
}
