/** A log to read: only the lines in sight are on the page, whatever its length. */
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import { refusal } from '../../../api/client';
import { useShortcut } from '../../../components/keys';
import { place } from '../../../components/location';
import { markLogTail } from '../../../components/marks';
import { Button, Empty, Skeleton, Trouble } from '../../../components/parts';
import { bytes, thousands } from '../../../components/text';
import { tell } from '../../../components/toast';
import { Groups, hiddenOf, hiderOf, lineOfRow, rowOfLine, rowsOf } from './fold';
import { Rows } from './rows';
import { LogBar, useSearch } from './search';
import { openLog, type LogSource } from './source';
import { lineAtScroll, scrollOfLine, TALLEST } from './text';
import { LogTimes } from './times';

const ROW = 18;
const SPARE = 12;

interface Props {
  /** As the API is asked for the run. */
  run: string;
  id: string;
  stage: string;
  attempt: number;
  /** How it ended, beneath the last line. */
  footer: string | undefined;
}

/** `#L812` */
export function lineOfHash(hash: string): number | undefined {
  const found = /^#L(\d+)$/.exec(hash);
  return found ? Number(found[1]) : undefined;
}

export function LogView({ run, id, stage, attempt, footer }: Props) {
  const [, again] = useReducer((n: number) => n + 1, 0);
  const source = useRef<LogSource | undefined>(undefined);
  const box = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const [top, setTop] = useState(0);
  const [shown, setShown] = useState(400);
  const [wrap, setWrap] = useState(false);
  const [timed, setTimed] = useState(false);
  const [folded, setFolded] = useState<ReadonlySet<number>>(new Set());
  const groups = useRef(new Groups());
  const times = useRef<LogTimes | undefined>(undefined);
  const seenLines = useRef(0);
  const marked = lineOfHash(place.value.hash);
  const search = useSearch(run, stage, attempt);

  // At once: what is to be read is asked for before the frame is drawn that has a place for it.
  useLayoutEffect(() => {
    let drawn = 0;
    const changed = () => {
      if (drawn) return;
      drawn = requestAnimationFrame(() => {
        drawn = 0;
        again(undefined as never);
      });
    };
    source.current = openLog(run, id, stage, attempt, changed);
    times.current = new LogTimes(`/api/runs/${encodeURIComponent(run)}/logs/${encodeURIComponent(stage)}?attempt=${attempt}`, changed);
    setFollowing(lineOfHash(place.peek().hash) === undefined);
    return () => {
      cancelAnimationFrame(drawn);
      source.current?.stop();
      source.current = undefined;
    };
  }, [run, id, stage, attempt]);

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const watcher = new ResizeObserver(() => setShown(element.clientHeight));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [source.current !== undefined]);

  const log = source.current;
  const lines = log?.text.lines ?? 0;
  const ready = log !== undefined && log.share() >= 1;

  const known = log?.text;
  const all = known ? groups.current.read(known.marks, (line) => textOf(known, line)) : [];
  const byLine = new Map(all.map((group) => [group.line, group]));
  const hidden = hiddenOf(all, folded, lines);
  const rows = rowsOf(hidden, lines);
  const turnGroup = (line: number) => {
    const next = new Set(folded);
    if (!next.delete(line)) next.add(line);
    setFolded(next);
  };
  const goTo = (line: number) => {
    setFollowing(false);
    const hider = hiderOf(hidden, line - 1);
    if (hider !== undefined) turnGroup(hider);
    const element = box.current;
    const now = hider === undefined ? hidden : hidden.filter((one) => one.from - 1 !== hider);
    if (element) element.scrollTop = Math.max(0, scrollOfLine(rowOfLine(now, line - 1), rowsOf(now, lines), ROW, shown) - shown / 3);
  };
  useShortcut('log.end', () => setFollowing(true));
  useShortcut('log.begin', () => {
    setFollowing(false);
    if (box.current) box.current.scrollTop = 0;
  });
  useEffect(() => {
    if (marked !== undefined && ready) goTo(marked);
  }, [marked, ready]);
  useEffect(() => {
    const element = box.current;
    if (!element || !ready) return;
    if (following) {
      element.scrollTop = element.scrollHeight;
      seenLines.current = lines;
    }
    markLogTail();
  }, [lines, rows, ready, following, shown]);
  useEffect(() => {
    const hit = search.found?.lines[search.found.at];
    if (hit !== undefined) goTo(hit);
  }, [search.found]);

  if (log?.refused() && lines === 0) return <Trouble refusal={log.refused() ?? refusal('')} />;
  const tall = Math.min(TALLEST, rows * ROW);
  const first = Math.max(0, Math.min(lineAtScroll(top, rows, ROW, shown), rows) - SPARE);
  const last = Math.min(rows, first + Math.ceil(shown / ROW) + 2 * SPARE);
  const isWhole = rows * ROW <= TALLEST;
  const offset = isWhole ? first * ROW : top - (lineAtScroll(top, rows, ROW, shown) - first) * ROW;
  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    setTop(element.scrollTop);
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < ROW * 1.5;
    if (atEnd !== following) setFollowing(atEnd);
    if (atEnd) seenLines.current = lines;
  };
  const hits = search.found ? new Set(search.found.lines) : undefined;
  const fresh = following ? 0 : Math.max(0, lines - seenLines.current);
  const wrapped = wrap && lines <= 3000;
  const same = { marked, hits, times: timed ? times.current : undefined, groups: byLine, folded, turn: turnGroup };
  return (
    <div class="log">
      <LogBar
        search={search}
        wrap={{ on: wrapped, turn: () => (lines > 3000 ? tell('Wrapping is for logs of up to 3,000 lines.') : setWrap(!wrap)) }}
        times={{ on: timed, turn: () => setTimed(!timed) }}
        fold={all.length > 0 ? { on: folded.size > 0, turn: () => setFolded(folded.size > 0 ? new Set() : new Set(all.map((group) => group.line))) } : undefined}
        download={`/api/runs/${encodeURIComponent(run)}/logs/${encodeURIComponent(stage)}?attempt=${attempt}&download=true`}
        says={log ? (ready ? `${thousands(lines)} lines, ${bytes(log.text.bytes)}` : `reading ${Math.round(log.share() * 100)}%`) : ''}
      />
      <div class={`log-box${wrapped ? ' wraps' : ''}`} ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label={`Log of ${stage}, attempt ${attempt}`}>
        {!log || (!ready && lines === 0) ? (
          <Skeleton rows={4} height={18} />
        ) : lines === 0 ? (
          <Empty>{log.ended() ? 'It wrote nothing.' : 'Nothing is written yet.'}</Empty>
        ) : wrapped ? (
          <div class="log-lines">{Rows({ ...same, log, lines: Array.from({ length: rows }, (_, row) => lineOfRow(hidden, row)) })}</div>
        ) : (
          <div class="log-tall" style={{ height: `${tall}px` }}>
            <div class="log-lines" style={{ transform: `translateY(${Math.max(0, offset)}px)` }}>
              {Rows({ ...same, log, lines: Array.from({ length: last - first }, (_, row) => lineOfRow(hidden, first + row)) })}
            </div>
          </div>
        )}
      </div>
      {fresh > 0 ? (
        <Button class="log-new" act={() => setFollowing(true)}>
          {thousands(fresh)} new lines
        </Button>
      ) : null}
      <footer class="log-foot soft small">
        {footer ?? (following ? 'Following' : 'Not following: scrolled up')}
        {log?.refused() ? <span class="failed"> {log.refused()?.message}</span> : null}
      </footer>
    </div>
  );
}

/** Of a line that has ended. */
function textOf(text: LogSource['text'], line: number): string | undefined {
  const found = text.isWhole(line) ? text.line(line) : undefined;
  return typeof found === 'string' ? found : undefined;
}
