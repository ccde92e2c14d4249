/** The journal of a run: rows are added, never made anew; and the run as it was after any of them. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, refusal } from '../../api/client';
import type { EventView, RunDetail, StageView } from '../../api/types';
import { setQuery } from '../../components/location';
import { Empty } from '../../components/parts';
import { timeOfDay } from '../../components/text';
import { tell } from '../../components/toast';
import { isOf, isShown, sentence, type Level } from './events.model';

export function Events({ run, reference, stage, at }: { run: RunDetail; reference: string; stage: StageView | undefined; at: number | undefined }) {
  const [events, setEvents] = useState<EventView[]>([]);
  const [level, setLevel] = useState<Level>('normal');
  const [most, setMost] = useState(run.sequence);
  const asking = useRef(false);
  const newest = Math.max(most, run.sequence);
  // Asked for when the stream says that there is more, from the last one known on.
  useEffect(() => {
    let over = false;
    const ask = async () => {
      if (asking.current) return;
      asking.current = true;
      try {
        let known = events;
        for (;;) {
          const after = known.at(-1)?.seq;
          const page = await get('/api/runs/{run}/events', { path: { run: reference }, query: { limit: 1000, ...(after === undefined ? {} : { after }) } });
          if (over || page.data.length === 0) break;
          known = [...known, ...page.data];
          setEvents(known);
          setMost(Math.max(newest, known.at(-1)?.seq ?? 0));
          if (page.data.length < 1000) break;
        }
      } catch (error) {
        tell(refusal(error).message, 'trouble');
      } finally {
        asking.current = false;
      }
    };
    if ((events.at(-1)?.seq ?? -1) < newest) void ask();
    return () => {
      over = true;
    };
  }, [reference, run.sequence]);
  const shown = events.filter((event) => isShown(event.kind, level) && (!stage || isOf(event, stage.name)));
  return (
    <>
      <div class="scrub">
        <label for="scrub" class="small">
          State at event
        </label>
        <input
          id="scrub"
          type="range"
          min={1}
          max={newest}
          value={at ?? newest}
          onChange={(event) => {
            const to = Number(event.currentTarget.value);
            setQuery({ at: to >= newest ? undefined : to });
          }}
        />
        <span class="num small">
          {at ?? newest} of {newest}
        </span>
      </div>
      <div class="filter">
        <div class="segments" role="group" aria-label="Level">
          {(['key', 'normal', 'all'] as const).map((one) => (
            <button type="button" key={one} aria-pressed={level === one} onClick={() => setLevel(one)}>
              {one}
            </button>
          ))}
        </div>
        <span class="soft small">
          {shown.length} of {events.length} events
        </span>
      </div>
      {shown.length === 0 && events.length > 0 ? <Empty>No event at this level{stage ? ` is about ${stage.name}` : ''}; choose "all".</Empty> : null}
      <ol class="events">
        {shown.map((event) => (
          <li key={event.seq} data-seq={event.seq}>
            <details>
              <summary>
                <span class="num soft">{event.seq}</span>
                <time class="num soft small" dateTime={event.at}>
                  {timeOfDay(Date.parse(event.at)).slice(0, 12)}
                </time>
                <span class="clip">{sentence(event)}</span>
              </summary>
              <pre>{JSON.stringify(event.body, null, 2)}</pre>
              <button type="button" class="button quiet" onClick={() => setQuery({ at: event.seq })}>
                The run after this
              </button>
            </details>
          </li>
        ))}
      </ol>
    </>
  );
}
