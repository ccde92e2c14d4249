/** A log to read: only the lines in sight are on the page, whatever its length. */
import { useEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks';
import { get, refusal } from '../../../api/client';
import { navigate, place } from '../../../components/location';
import { markLogTail } from '../../../components/marks';
import { Button, Empty, Skeleton, Trouble } from '../../../components/parts';
import { bytes, thousands } from '../../../components/text';
import { tell } from '../../../components/toast';
import { spans } from './ansi';
import { openLog, type LogSource } from './source';
import { lineAtScroll, scrollOfLine, TALLEST } from './text';

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

interface Search {
  q: string;
  total: number;
  /** Lines with hits, from 1. */
  lines: number[];
  at: number;
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
  const seenLines = useRef(0);
  const marked = lineOfHash(place.value.hash);
  const search = useSearch(run, stage, attempt);

  useEffect(() => {
    let drawn = 0;
    const changed = () => {
      if (drawn) return;
      drawn = requestAnimationFrame(() => {
        drawn = 0;
        again(undefined as never);
      });
    };
    source.current = openLog(run, id, stage, attempt, changed);
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

  const goTo = (line: number) => {
    setFollowing(false);
    const element = box.current;
    if (element) element.scrollTop = Math.max(0, scrollOfLine(line - 1, lines, ROW, shown) - shown / 3);
  };
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
  }, [lines, ready, following, shown]);
  useEffect(() => {
    const hit = search.found?.lines[search.found.at];
    if (hit !== undefined) goTo(hit);
  }, [search.found]);

  if (log?.refused() && lines === 0) return <Trouble refusal={log.refused() ?? refusal('')} />;
  const tall = Math.min(TALLEST, lines * ROW);
  const first = Math.max(0, Math.min(lineAtScroll(top, lines, ROW, shown), lines) - SPARE);
  const last = Math.min(lines, first + Math.ceil(shown / ROW) + 2 * SPARE);
  const isWhole = lines * ROW <= TALLEST;
  const offset = isWhole ? first * ROW : top - (lineAtScroll(top, lines, ROW, shown) - first) * ROW;
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
  return (
    <div class="log">
      <LogBar
        search={search}
        wrap={wrapped}
        turnWrap={() => (lines > 3000 ? tell('Wrapping is for logs of up to 3,000 lines.') : setWrap(!wrap))}
        download={`/api/runs/${encodeURIComponent(run)}/logs/${encodeURIComponent(stage)}?attempt=${attempt}&download=true`}
        says={log ? (ready ? `${thousands(lines)} lines, ${bytes(log.text.bytes)}` : `reading ${Math.round(log.share() * 100)}%`) : ''}
      />
      <div class={`log-box${wrapped ? ' wraps' : ''}`} ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label={`Log of ${stage}, attempt ${attempt}`}>
        {!log || (!ready && lines === 0) ? (
          <Skeleton rows={4} height={18} />
        ) : lines === 0 ? (
          <Empty>{log.ended() ? 'It wrote nothing.' : 'Nothing is written yet.'}</Empty>
        ) : wrapped ? (
          <div class="log-lines">{Rows({ log, from: 0, to: lines, marked, hits })}</div>
        ) : (
          <div class="log-tall" style={{ height: `${tall}px` }}>
            <div class="log-lines" style={{ transform: `translateY(${Math.max(0, offset)}px)` }}>
              {Rows({ log, from: first, to: last, marked, hits })}
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

function Rows({ log, from, to, marked, hits }: { log: LogSource; from: number; to: number; marked: number | undefined; hits: Set<number> | undefined }) {
  const rows = [];
  for (let line = from; line < to; line += 1) {
    const text = log.text.line(line);
    if (typeof text !== 'string') for (const block of text) log.fetchBlock(block);
    const number = line + 1;
    rows.push(
      <div key={line} class={`log-line${number === marked ? ' marked' : ''}${hits?.has(number) ? ' hit' : ''}`} data-line={number}>
        <a
          href={`#L${number}`}
          aria-label={`Line ${number}`}
          onClick={(event) => {
            event.preventDefault();
            navigate(`${place.peek().path}${place.peek().search}#L${number}`, { replace: true });
          }}
        >
          {number}
        </a>
        <span>
          {typeof text === 'string'
            ? spans(text).map((span, at) => (
                <span key={at} class={span.style || undefined} style={span.color ? { color: span.color } : undefined}>
                  {span.text}
                </span>
              ))
            : '…'}
        </span>
      </div>,
    );
  }
  return rows;
}

function useSearch(run: string, stage: string, attempt: number) {
  const [q, setQ] = useState('');
  const [found, setFound] = useState<Search | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  useEffect(() => setFound(undefined), [run, stage, attempt]);
  const ask = async () => {
    if (q === '') {
      setFound(undefined);
      return;
    }
    setBusy(true);
    try {
      const answer = await get('/api/runs/{run}/logs/{stage}/search', { path: { run, stage }, query: { q, attempt, limit: 1000 } });
      const lines = [...new Set(answer.hits.map((hit) => hit.line))];
      setFound({ q, total: answer.total, lines, at: 0 });
    } catch (error) {
      tell(refusal(error).message, 'trouble');
    } finally {
      setBusy(false);
    }
  };
  const move = (by: number) => setFound((old) => (old && old.lines.length > 0 ? { ...old, at: (old.at + by + old.lines.length) % old.lines.length } : old));
  return useMemo(() => ({ q, setQ, found, busy, ask, move }), [q, found, busy, run, stage, attempt]);
}

type Searching = ReturnType<typeof useSearch>;

function LogBar({ search, wrap, turnWrap, download, says }: { search: Searching; wrap: boolean; turnWrap: () => void; download: string; says: string }) {
  const { found } = search;
  const key = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    if (found && found.q === search.q) search.move(event.shiftKey ? -1 : 1);
    else void search.ask();
  };
  return (
    <div class="log-bar">
      <input type="search" aria-label="Search log" placeholder="Search log" value={search.q} onInput={(event) => search.setQ(event.currentTarget.value)} onKeyDown={key} />
      {found ? (
        <span class="small num" aria-live="polite">
          {found.total === 0 ? 'no hits' : `${found.at + 1} of ${thousands(found.total)}`}
        </span>
      ) : null}
      {found && found.lines.length > 1 ? (
        <>
          <button type="button" class="button quiet" aria-label="Previous hit" onClick={() => search.move(-1)}>
            ↑
          </button>
          <button type="button" class="button quiet" aria-label="Next hit" onClick={() => search.move(1)}>
            ↓
          </button>
        </>
      ) : null}
      <span class="rest" />
      <span class="soft small num">{says}</span>
      <button type="button" class="button quiet" aria-pressed={wrap} onClick={turnWrap}>
        Wrap
      </button>
      <a class="button quiet" href={download} download>
        Raw
      </a>
    </div>
  );
}
