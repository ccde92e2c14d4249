/** Terminal output as spans: colours and weights are kept, everything else that a terminal obeys is not. Pure. */

export interface Span {
  text: string;
  /** Classes: `fg-1`, `bg-4`, `bold`, `dim`, `italic`, `under`. */
  style: string;
  /** A colour beyond the sixteen. */
  color?: string;
}

interface Pen {
  fg: string;
  bg: string;
  color: string | undefined;
  marks: Set<string>;
}

// CSI (colours among them), OSC (titles, links), and single escapes.
// biome-ignore lint: control characters are what this is about
const ESCAPE = /\u001b\[([0-9;:?]*)([@-~])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[@-Z\\-_]/g;
const CUBE = [0, 95, 135, 175, 215, 255];

/** What is written over by a carriage return was never meant to stay. */
export function overwritten(line: string): string {
  const text = line.replace(/\r+$/, '');
  const at = text.lastIndexOf('\r');
  return at < 0 ? text : text.slice(at + 1);
}

export function spans(raw: string): Span[] {
  const line = overwritten(raw);
  if (!line.includes('\u001b')) return line === '' ? [] : [{ text: line, style: '' }];
  const found: Span[] = [];
  const pen: Pen = { fg: '', bg: '', color: undefined, marks: new Set() };
  let at = 0;
  const push = (text: string) => {
    if (text === '') return;
    const style = [pen.fg, pen.bg, ...pen.marks].filter(Boolean).join(' ');
    found.push(pen.color ? { text, style, color: pen.color } : { text, style });
  };
  for (const match of line.matchAll(ESCAPE)) {
    push(line.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === 'm') obey(pen, match[1] ?? '');
  }
  push(line.slice(at));
  return found;
}

/** Without any of it. */
export function plain(raw: string): string {
  return overwritten(raw).replace(ESCAPE, '');
}

const MARKS: Record<number, string> = { 1: 'bold', 2: 'dim', 3: 'italic', 4: 'under', 7: 'inverse' };
const UNMARKS: Record<number, string[]> = { 22: ['bold', 'dim'], 23: ['italic'], 24: ['under'], 27: ['inverse'] };

function obey(pen: Pen, codes: string): void {
  const numbers = codes.split(/[;:]/).map((code) => Number(code || 0));
  for (let at = 0; at < numbers.length; at += 1) {
    const code = numbers[at] ?? 0;
    if (code === 0) {
      pen.fg = '';
      pen.bg = '';
      pen.color = undefined;
      pen.marks.clear();
    } else if (MARKS[code]) pen.marks.add(MARKS[code]);
    else if (UNMARKS[code]) for (const mark of UNMARKS[code]) pen.marks.delete(mark);
    else if (code >= 30 && code <= 37) set(pen, `fg-${code - 30}`);
    else if (code >= 90 && code <= 97) set(pen, `fg-${code - 82}`);
    else if (code === 39) set(pen, '');
    else if (code >= 40 && code <= 47) pen.bg = `bg-${code - 40}`;
    else if (code >= 100 && code <= 107) pen.bg = `bg-${code - 92}`;
    else if (code === 49) pen.bg = '';
    else if (code === 38 || code === 48) at = extended(pen, code, numbers, at);
  }
}

function set(pen: Pen, fg: string): void {
  pen.fg = fg;
  pen.color = undefined;
}

/** `38;5;n` and `38;2;r;g;b`; answers where reading goes on. */
function extended(pen: Pen, code: number, numbers: number[], at: number): number {
  const byte = (value: number | undefined) => Math.max(0, Math.min(255, value ?? 0));
  if (numbers[at + 1] === 5) {
    const color = byte(numbers[at + 2]);
    if (code === 48) pen.bg = color < 16 ? `bg-${color}` : '';
    else if (color < 16) set(pen, `fg-${color}`);
    else {
      pen.fg = '';
      pen.color = of256(color);
    }
    return at + 2;
  }
  if (numbers[at + 1] === 2) {
    if (code === 38) {
      pen.fg = '';
      pen.color = `rgb(${byte(numbers[at + 2])} ${byte(numbers[at + 3])} ${byte(numbers[at + 4])})`;
    }
    return at + 4;
  }
  return at;
}

function of256(color: number): string {
  if (color >= 232) {
    const grey = 8 + (color - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const cube = color - 16;
  const part = (by: number) => CUBE[Math.floor(cube / by) % 6];
  return `rgb(${part(36)} ${part(6)} ${part(1)})`;
}
