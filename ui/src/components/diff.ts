/** Lines that differ between two texts. Pure; for texts of some thousand lines. */

export interface DiffLine {
  kind: ' ' | '+' | '-' | '@';
  text: string;
}

const CONTEXT = 3;

/** With some lines around each change; longer equal parts are one line that counts them. */
export function lineDiff(before: string, after: string): DiffLine[] {
  return folded(allLines(before.split('\n'), after.split('\n')));
}

/** Longest common subsequence between equal beginnings and ends. */
export function allLines(a: string[], b: string[]): DiffLine[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const same = (line: string): DiffLine => ({ kind: ' ', text: line });
  return [
    ...a.slice(0, head).map(same),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same),
  ];
}

function middle(a: string[], b: string[]): DiffLine[] {
  const width = b.length + 1;
  if (a.length * width > 4_000_000) {
    return [...a.map((text): DiffLine => ({ kind: '-', text })), ...b.map((text): DiffLine => ({ kind: '+', text }))];
  }
  const best = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      best[at] = a[i] === b[j] ? (best[at + width + 1] ?? 0) + 1 : Math.max(best[at + width] ?? 0, best[at + 1] ?? 0);
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const at = i * width + j;
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: ' ', text: a[i] ?? '' });
      i += 1;
      j += 1;
    } else if (i < a.length && (j >= b.length || (best[at + width] ?? 0) >= (best[at + 1] ?? 0))) {
      lines.push({ kind: '-', text: a[i] ?? '' });
      i += 1;
    } else {
      lines.push({ kind: '+', text: b[j] ?? '' });
      j += 1;
    }
  }
  return lines;
}

function folded(lines: DiffLine[]): DiffLine[] {
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some((line) => line.kind !== ' '));
  const shown: DiffLine[] = [];
  let hidden = 0;
  const flush = () => {
    if (hidden > 0) shown.push({ kind: '@', text: `${hidden} equal lines` });
    hidden = 0;
  };
  for (const [at, line] of lines.entries()) {
    if (near[at]) {
      flush();
      shown.push(line);
    } else hidden += 1;
  }
  flush();
  return shown;
}
