/** The run on a time axis, one bar for each attempt. */
import { useState } from 'preact/hooks';
import type { RunDetail } from '../../api/types';
import { useNow } from '../../components/now';
import { Glyph } from '../../components/parts';
import { isOver } from '../../components/status';
import { duration, timeOfDay } from '../../components/text';
import { scaleOf, ticksOf, timelineOf } from './timeline.model';

export function TimelineView({ run, chosen, choose }: { run: RunDetail; chosen: string | undefined; choose: (stage: string, attempt?: number) => void }) {
  const [fold, setFold] = useState(true);
  const [clock, setClock] = useState(false);
  const now = useNow(!isOver(run.status));
  const end = run.finished_at ? Date.parse(run.finished_at) : now;
  const timeline = timelineOf(run, end, fold);
  const scale = scaleOf(timeline);
  const percent = (at: number) => `${(scale(at) * 100).toFixed(3)}%`;
  return (
    <>
      <div class="filter">
        <div class="segments">
          <button type="button" aria-pressed={!clock} onClick={() => setClock(false)}>
            Since the beginning
          </button>
          <button type="button" aria-pressed={clock} onClick={() => setClock(true)}>
            Time of day
          </button>
        </div>
        <label class="check">
          <input type="checkbox" checked={fold} onChange={(event) => setFold(event.currentTarget.checked)} /> Fold idle times
        </label>
      </div>
      <div class="timeline" role="table" aria-label="Timeline">
        <div class="tl-row tl-head" role="row">
          <span class="tl-name" role="columnheader">
            Stage
          </span>
          <span class="tl-track" role="columnheader">
            {ticksOf(timeline).map((at) => (
              <span key={at} class="tl-tick" style={{ left: percent(at), top: '5px' }}>
                {clock ? timeOfDay(at).slice(0, 8) : duration(at - timeline.from)}
              </span>
            ))}
          </span>
          <span class="tl-time" role="columnheader">
            Took
          </span>
        </div>
        {timeline.rows.map((row) => (
          <div key={row.name} class="tl-row" role="row" aria-selected={row.name === chosen} data-stage={row.name} data-status={row.status} onClick={() => choose(row.name)}>
            <span role="cell">
              <button type="button" class="tl-name">
                <Glyph status={row.status} />
                <span class="clip">{row.name}</span>
              </button>
            </span>
            <span class="tl-track" role="cell">
              {timeline.folds.map((gap) => (
                <span key={gap.from} class="tl-fold" style={{ left: percent(gap.from), width: `${(scale(gap.to) - scale(gap.from)) * 100}%` }} title={`waited ${duration(gap.to - gap.from)}`} />
              ))}
              {row.bars.map((bar, at) => (
                <span
                  key={at}
                  class={`tl-bar ${bar.kind}`}
                  data-attempt={bar.attempt}
                  data-ms={bar.to - bar.from}
                  title={`${bar.says}, ${duration(bar.to - bar.from)}`}
                  style={{ left: percent(bar.from), width: `${Math.max(0, scale(bar.to) - scale(bar.from)) * 100}%` }}
                  onClick={(event) => {
                    event.stopPropagation();
                    choose(row.name, bar.attempt);
                  }}
                />
              ))}
            </span>
            <span class="tl-time num soft" role="cell">
              {row.took === undefined ? '-' : duration(row.took)}
            </span>
          </div>
        ))}
      </div>
      {timeline.folds.map((gap) => (
        <p key={gap.from} class="soft small">
          Folded: {duration(gap.to - gap.from)} from {timeOfDay(gap.from).slice(0, 8)} in which nothing ran.
        </p>
      ))}
    </>
  );
}
