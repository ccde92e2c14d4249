/**
 * A log of any length: where each of its lines begins, and as much of its bytes as was looked at
 * lately. Pure but for asking for what is missing.
 */

export const BLOCK = 256 * 1024;
/** Blocks held at once: 32 MiB. */
const HELD = 128;
const NEWLINE = 10;
const COLON = 58;

/** So many groups are known of a log, at most. */
const MARKS = 20_000;

/** `::`, as far as it can be seen. */
function mayMark(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === COLON && (at + 1 >= bytes.length || bytes[at + 1] === COLON);
}

export class LogText {
  /** Begin of each line; grows by doubling. */
  private starts = new Float64Array(1024);
  private count = 0;
  private blocks = new Map<number, Uint8Array>();
  private size = 0;
  /** Whether the last byte ended a line. */
  private closed = true;
  private decoder = new TextDecoder();
  /** Lines that may begin or end a group: those that begin as its marks do. */
  readonly marks: number[] = [];

  constructor(private readonly held = HELD) {}

  /** Bytes known. */
  get bytes(): number {
    return this.size;
  }

  get lines(): number {
    return this.count;
  }

  /** Takes the next bytes. `false`: they do not follow what is known, and nothing was taken. */
  append(bytes: Uint8Array, offset: number): boolean {
    if (offset !== this.size) return false;
    this.index(bytes);
    let taken = 0;
    while (taken < bytes.length) {
      const at = this.size + taken;
      const block = Math.floor(at / BLOCK);
      const within = at % BLOCK;
      const part = bytes.subarray(taken, taken + BLOCK - within);
      const known = this.blocks.get(block);
      if (within === 0) this.hold(block, part.slice());
      else if (known && known.length === within) {
        const grown = new Uint8Array(within + part.length);
        grown.set(known);
        grown.set(part, within);
        this.hold(block, grown);
      } else this.blocks.delete(block);
      taken += part.length;
    }
    this.size += bytes.length;
    return true;
  }

  private index(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.closed) {
        if (this.count === this.starts.length) {
          const grown = new Float64Array(this.starts.length * 2);
          grown.set(this.starts);
          this.starts = grown;
        }
        this.starts[this.count] = this.size + at;
        if (this.marks.length < MARKS && mayMark(bytes, at)) this.marks.push(this.count);
        this.count += 1;
        this.closed = false;
      }
      const end = bytes.indexOf(NEWLINE, at);
      if (end < 0) return;
      this.closed = true;
      at = end + 1;
    }
  }

  /** A block that was asked for again. */
  put(block: number, bytes: Uint8Array): void {
    this.hold(block, bytes);
  }

  private hold(block: number, bytes: Uint8Array): void {
    this.blocks.delete(block);
    this.blocks.set(block, bytes);
    while (this.blocks.size > this.held) {
      const oldest = this.blocks.keys().next().value;
      if (oldest === undefined) return;
      this.blocks.delete(oldest);
    }
  }

  /** Where a line lies: from its first byte to behind its last, without its end. */
  span(line: number): [from: number, to: number] | undefined {
    if (line < 0 || line >= this.count) return undefined;
    const from = this.starts[line] ?? 0;
    const next = line + 1 < this.count ? (this.starts[line + 1] ?? 0) - 1 : this.closed ? this.size - 1 : this.size;
    return [from, Math.max(from, next)];
  }

  /** The text of a line, or the blocks that have to be asked for first. */
  line(line: number, most = 8192): string | number[] {
    const span = this.span(line);
    if (!span) return '';
    const [from, end] = span;
    const to = Math.min(end, from + most);
    const missing: number[] = [];
    const parts: Uint8Array[] = [];
    for (let block = Math.floor(from / BLOCK); block * BLOCK < to; block += 1) {
      const known = this.blocks.get(block);
      const upTo = Math.min(to - block * BLOCK, BLOCK);
      if (!known || known.length < upTo) {
        missing.push(block);
        continue;
      }
      parts.push(known.subarray(Math.max(0, from - block * BLOCK), upTo));
    }
    if (missing.length > 0) return missing;
    const text = parts.map((part) => this.decoder.decode(part)).join('');
    return end > to ? `${text} … ${end - to} more bytes` : text;
  }

  /** Whether a line has ended: until then more of it may come. */
  isWhole(line: number): boolean {
    return line < this.count - 1 || this.closed;
  }

  /** The line that a byte belongs to. */
  lineAt(offset: number): number {
    let [low, high] = [0, this.count - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, low);
  }
}

/** The tallest that a browser scrolls. */
export const TALLEST = 16_000_000;

/** Which line is at the top when so far was scrolled, and the reverse: exact until the page is too tall for that. */
export function lineAtScroll(top: number, lines: number, row: number, shown: number): number {
  const tall = lines * row;
  if (tall <= TALLEST) return Math.floor(top / row);
  const most = Math.max(1, TALLEST - shown);
  return Math.floor((Math.min(top, most) / most) * Math.max(0, lines - shown / row));
}

export function scrollOfLine(line: number, lines: number, row: number, shown: number): number {
  const tall = lines * row;
  if (tall <= TALLEST) return line * row;
  const most = Math.max(1, TALLEST - shown);
  return (line / Math.max(1, lines - shown / row)) * most;
}
