/** Groups of lines that a program marks, and which of them are folded. Pure. */

export interface Group {
  /** The line with its name, from 0. */
  line: number;
  /** Behind its last line; nothing while it goes on. */
  end: number | undefined;
  name: string;
}

const BEGIN = /^::group::(.*)$/;
const END = /^::endgroup::/;

/** Marks as they come, in order; a group ends with its mark or where the next one begins. */
export class Groups {
  private found: Group[] = [];
  private next = 0;

  /** `marks`: lines that may be marks, ascending and only ever more; `text`: of a line, nothing while it is not known. */
  read(marks: readonly number[], text: (line: number) => string | undefined): readonly Group[] {
    for (; this.next < marks.length; this.next += 1) {
      const line = marks[this.next] ?? 0;
      const says = text(line);
      if (says === undefined) break;
      const open = this.found.at(-1);
      const begins = BEGIN.exec(says);
      if (!begins && !END.test(says)) continue;
      if (open && open.end === undefined) open.end = begins ? line : line + 1;
      if (begins) this.found.push({ line, end: undefined, name: (begins[1] ?? '').trim() });
    }
    return this.found;
  }
}

/** What is hidden: behind a folded group's first line, up to its end. */
export interface Hidden {
  from: number;
  to: number;
}

export function hiddenOf(groups: readonly Group[], folded: ReadonlySet<number>, lines: number): Hidden[] {
  return groups.filter((group) => folded.has(group.line)).map((group) => ({ from: group.line + 1, to: Math.min(lines, group.end ?? lines) }));
}

/** How many rows are left of so many lines. */
export function rowsOf(hidden: readonly Hidden[], lines: number): number {
  return lines - hidden.reduce((sum, one) => sum + Math.max(0, one.to - one.from), 0);
}

/** The line that stands in a row. */
export function lineOfRow(hidden: readonly Hidden[], row: number): number {
  let line = row;
  for (const one of hidden) {
    if (line < one.from) return line;
    line += one.to - one.from;
  }
  return line;
}

/** The row of a line; of a hidden one, that of its group. */
export function rowOfLine(hidden: readonly Hidden[], line: number): number {
  let gone = 0;
  for (const one of hidden) {
    if (line < one.from) break;
    if (line < one.to) return one.from - 1 - gone;
    gone += one.to - one.from;
  }
  return line - gone;
}

/** The folded group that hides a line. */
export function hiderOf(hidden: readonly Hidden[], line: number): number | undefined {
  const found = hidden.find((one) => line >= one.from && line < one.to);
  return found === undefined ? undefined : found.from - 1;
}
