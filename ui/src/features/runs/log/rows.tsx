/** Lines of a log as rows. */
import { navigate, place } from '../../../components/location';
import { timeOfDay } from '../../../components/text';
import { spans } from './ansi';
import type { Group } from './fold';
import type { LogSource } from './source';
import type { LogTimes } from './times';

export interface RowsProps {
  log: LogSource;
  lines: readonly number[];
  marked: number | undefined;
  hits: ReadonlySet<number> | undefined;
  times: LogTimes | undefined;
  groups: ReadonlyMap<number, Group>;
  folded: ReadonlySet<number>;
  turn: (line: number) => void;
}

export function Rows({ log, lines, marked, hits, times, groups, folded, turn }: RowsProps) {
  if (times) wantTimes(log, lines, times);
  return lines.map((line) => {
    const text = log.text.line(line);
    if (typeof text !== 'string') for (const block of text) log.fetchBlock(block);
    const number = line + 1;
    const group = groups.get(line);
    return (
      <div key={line} class={`log-line${number === marked ? ' marked' : ''}${hits?.has(number) ? ' hit' : ''}${group ? ' group' : ''}`} data-line={number}>
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
        {times ? <Written at={times.at(log.text.span(line)?.[0] ?? 0)} /> : null}
        {group ? (
          <button type="button" class="log-group" aria-expanded={!folded.has(line)} onClick={() => turn(line)}>
            {folded.has(line) ? '▸' : '▾'} {group.name || 'group'}
            {folded.has(line) && group.end !== undefined ? <span class="soft"> {group.end - line - 1} lines</span> : null}
          </button>
        ) : (
          <span>
            {typeof text === 'string'
              ? spans(text).map((span, at) => (
                  <span key={at} class={span.style || undefined} style={span.color ? { color: span.color } : undefined}>
                    {span.text}
                  </span>
                ))
              : '…'}
          </span>
        )}
      </div>
    );
  });
}

function Written({ at }: { at: number | undefined }) {
  if (at === undefined || Number.isNaN(at)) return <span class="log-time" />;
  return (
    <time class="log-time" dateTime={new Date(at).toISOString()}>
      {timeOfDay(at)}
    </time>
  );
}

/** Those of the rows that have none yet. */
function wantTimes(log: LogSource, lines: readonly number[], times: LogTimes): void {
  const first = lines.find((line) => log.text.isWhole(line) && times.at(log.text.span(line)?.[0] ?? 0) === undefined);
  const last = lines.at(-1);
  if (first === undefined || last === undefined) return;
  const from = log.text.span(first)?.[0] ?? 0;
  const to = (log.text.span(last)?.[1] ?? from) + 1;
  times.want(from, to);
}
