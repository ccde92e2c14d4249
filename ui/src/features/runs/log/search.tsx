/** Searching a log: the server looks through all of it. And the bar above the log. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, refusal } from '../../../api/client';
import { useShortcut } from '../../../components/keys';
import { thousands } from '../../../components/text';
import { tell } from '../../../components/toast';

export interface Found {
  q: string;
  total: number;
  /** Lines with hits, from 1. */
  lines: number[];
  at: number;
}

export function useSearch(run: string, stage: string, attempt: number) {
  const [q, setQ] = useState('');
  const [found, setFound] = useState<Found | undefined>(undefined);
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

export interface Turn {
  on: boolean;
  turn: () => void;
}

interface BarProps {
  search: Searching;
  wrap: Turn;
  times: Turn;
  /** Nothing where nothing can be folded. */
  fold: Turn | undefined;
  download: string;
  says: string;
}

export function LogBar({ search, wrap, times, fold, download, says }: BarProps) {
  const { found } = search;
  const input = useRef<HTMLInputElement>(null);
  useShortcut('log.search', () => input.current?.focus());
  useShortcut('log.next', found ? () => search.move(1) : undefined);
  useShortcut('log.last', found ? () => search.move(-1) : undefined);
  useShortcut('log.wrap', wrap.turn);
  useShortcut('log.times', times.turn);
  useShortcut('log.fold', () => (fold ? fold.turn() : tell('This log has no groups: lines "::group::NAME" begin one.')));
  const key = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    if (found && found.q === search.q) search.move(event.shiftKey ? -1 : 1);
    else void search.ask();
  };
  return (
    <div class="log-bar">
      <input ref={input} type="search" aria-label="Search log" placeholder="Search log" value={search.q} onInput={(event) => search.setQ(event.currentTarget.value)} onKeyDown={key} />
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
      {fold ? (
        <button type="button" class="button quiet" aria-pressed={fold.on} onClick={fold.turn}>
          Fold
        </button>
      ) : null}
      <button type="button" class="button quiet" aria-pressed={times.on} onClick={times.turn}>
        Times
      </button>
      <button type="button" class="button quiet" aria-pressed={wrap.on} onClick={wrap.turn}>
        Wrap
      </button>
      <a class="button quiet" href={download} download>
        Raw
      </a>
    </div>
  );
}
