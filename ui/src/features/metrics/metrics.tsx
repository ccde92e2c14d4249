/** `/metrics`: how much ran, how well, how long it took and waited. */
import { useEffect } from 'preact/hooks';
import { get } from '../../api/client';
import { serverNow } from '../../api/clock';
import { useLoad } from '../../components/load';
import { markUseful } from '../../components/marks';
import { Empty, PageHead, Section, Skeleton, Trouble } from '../../components/parts';
import { duration } from '../../components/text';
import { days, figures, part } from './model';

const SHOWN = 1000;

export function MetricsPage() {
  const runs = useLoad('runs', () => get('/api/runs', { query: { limit: SHOWN } }));
  useEffect(() => {
    if (runs.value) markUseful();
  }, [runs.value]);
  if (runs.refused) return <Trouble refusal={runs.refused} again={runs.again} />;
  if (!runs.value) return <Skeleton rows={6} />;
  const all = runs.value.data;
  if (all.length === 0) return <Empty>Nothing has run yet.</Empty>;
  const { ended, pass, took, waits } = figures(all);
  const time = (values: readonly number[], share: number) => {
    const found = part(values, share);
    return found === undefined ? '-' : duration(found);
  };
  const fourteen = days(all, serverNow(), 14);
  const most = Math.max(1, ...fourteen.map((day) => day.succeeded + day.failed + day.cancelled));
  return (
    <>
      <PageHead title="Metrics" />
      <dl class="figures">
        <Figure label="Runs that ended" value={String(ended)} name="orchestrate_runs_finished_total" />
        <Figure label="Succeeded" value={pass === undefined ? '-' : `${Math.round(pass * 100)}%`} name="orchestrate_runs_finished_total" />
        <Figure label="Took, p50" value={time(took, 0.5)} name="orchestrate_run_duration_seconds" />
        <Figure label="Took, p95" value={time(took, 0.95)} name="orchestrate_run_duration_seconds" />
        <Figure label="Waited to begin, p95" value={time(waits, 0.95)} name="orchestrate_queue_wait_seconds" />
      </dl>
      <Section title="Runs a day">
        <div class="days" role="img" aria-label={fourteen.map((day) => `${day.day}: ${day.succeeded} succeeded, ${day.failed} failed`).join('; ')}>
          {fourteen.map((day) => (
            <div key={day.day} class="day" title={`${day.day}: ${day.succeeded} succeeded, ${day.failed} failed, ${day.cancelled} cancelled`}>
              <span class="stack">
                <i class="neutral" style={{ height: `${(day.cancelled / most) * 120}px` }} />
                <i class="failed" style={{ height: `${(day.failed / most) * 120}px` }} />
                <i class="success" style={{ height: `${(day.succeeded / most) * 120}px` }} />
              </span>
              <span class="soft small num">{day.day.slice(5)}</span>
            </div>
          ))}
        </div>
      </Section>
      <p class="soft small">
        Of the newest {all.length} runs. Programs read all of it at <code>/metrics</code>; the names beside the figures are those of there.
      </p>
    </>
  );
}

function Figure({ label, value, name }: { label: string; value: string; name: string }) {
  return (
    <div title={name}>
      <dt>{label}</dt>
      <dd class="value num">{value}</dd>
    </div>
  );
}
