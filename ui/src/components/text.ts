/** Times, counts and names as people read them; the same words as the command line. */

/** `0.4s`, `31.0s`, `2m11s`, `1h02m`, `3d04h`. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  if (s < 60) return `${s}.${Math.floor((Math.max(0, ms) % 1000) / 100)}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h${two((s % 3600) / 60)}m`;
  return `${Math.floor(s / 86_400)}d${two((s % 86_400) / 3600)}h`;
}

/** `42s`, `7m`, `3h`, `12d`. */
export function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h`;
  return `${Math.floor(s / 86_400)}d`;
}

/** `just now`, `7m ago`, `in 3h`. */
export function relative(at: number, now: number): string {
  const gone = now - at;
  if (Math.abs(gone) < 5000) return 'just now';
  return gone >= 0 ? `${age(gone)} ago` : `in ${age(-gone)}`;
}

/** `2026-08-21 14:02:11 UTC` */
export function exact(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Times that stand in words of the server, to the second: nobody reads the rest. */
export function withPlainTimes(text: string): string {
  return text.replace(/\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z/g, '$1 $2 UTC');
}

/** `14:02:11.104` */
export function timeOfDay(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}

export function thousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 run`, `3 runs`. */
export function count(number: number, noun: string): string {
  return `${thousands(number)} ${noun}${number === 1 ? '' : 's'}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
/** `412 B`, `1.4 MiB`. */
export function bytes(size: number): string {
  let value = size;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${UNITS[unit]}`;
}

export function millis(at: string | null | undefined): number | undefined {
  return at ? Date.parse(at) : undefined;
}

/** A long name loses its middle. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const left = Math.ceil((most - 1) / 2);
  return `${text.slice(0, left)}…${text.slice(text.length - (most - 1 - left))}`;
}

/** A value as one line. */
export function inline(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Billionths of a dollar: `$0.11`, `$0.0004`, `unknown` where a price is not known. */
export function dollars(nano: number | null | undefined): string {
  if (nano === null || nano === undefined) return 'unknown';
  const usd = nano / 1e9;
  return usd === 0 || usd >= 0.01 ? `$${usd.toFixed(2)}` : `$${usd.toPrecision(1)}`;
}
