/** When each line was written: asked for where it is looked at. */
import { send } from '../../../api/client';

/** As many bytes at once. */
const PART = 128 * 1024;

export class LogTimes {
  private known = new Map<number, number>();
  private asking = false;
  private failed = false;

  constructor(
    private readonly url: string,
    private readonly changed: () => void,
  ) {}

  /** Of the line that begins at a byte. */
  at(offset: number): number | undefined {
    return this.known.get(offset);
  }

  /** Asks for those of the lines from one byte to another, unless they are being asked for. */
  want(from: number, to: number): void {
    if (this.asking || this.failed) return;
    this.asking = true;
    const limit = Math.max(1, Math.min(PART, to - from));
    void send(`${this.url}&format=lines&offset=${from}&limit=${limit}`)
      .then((response) => response.text())
      .then((text) => this.take(text))
      .catch(() => {
        // They are beside the point: the log stays, without them.
        this.failed = true;
      })
      .finally(() => {
        this.asking = false;
        this.changed();
      });
  }

  private take(text: string): void {
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const said = JSON.parse(line) as { offset?: number; at?: string | null };
      // What has no time is not asked for again either.
      if (said.offset !== undefined) this.known.set(said.offset, said.at ? Date.parse(said.at) : Number.NaN);
    }
  }
}
