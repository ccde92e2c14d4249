/** `/metrics`: how much ran, how well, how long it took and waited. */
import { useEffect } from 'preact/hooks';
import { get, send } from '../../api/client';
import { serverNow } from '../../api/clock';
import { useLoad } from '../../components/load';
import { markUseful } from '../../components/marks';
import { Empty, PageHead, Section, Skeleton, Trouble } from '../../components/parts';
import { duration, dollars, thousands } from '../../components/text';
import { Costs } from './costs';
import { modelRows, samples, sum } from './exposed';
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
  if (all.length === 0) {
    return (
      <>
        <PageHead title="Metrics" />
        <Empty command="orchestrate init && orchestrate run pipelines/feature.yaml">Nothing has run yet.</Empty>
      </>
    );
  }
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
        <Figure label="Waited to begin, p95" value={time(waits, 0.95)} name="orchestrate_attempt_queue_seconds" />
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
        Of the newest {all.length} runs. Programs read all of it at <code>/metrics</code>; the names below the figures are those of there.
      </p>
      <Costs />
      <Models />
    </>
  );
}

/** Tokens and money, as the server counts them since it began. */
function Models() {
  const loaded = useLoad('exposed', async () => samples(await (await send('/metrics')).text()));
  if (loaded.refused) return <Trouble refusal={loaded.refused} again={loaded.again} />;
  if (!loaded.value) return <Skeleton rows={3} />;
  const rows = modelRows(loaded.value);
  const nano = rows.some((row) => row.nano !== undefined) ? rows.reduce((total, row) => total + (row.nano ?? 0), 0) : undefined;
  return (
    <Section title="Models" aside={<span class="soft small">since the server began</span>}>
      <dl class="figures">
        <Figure label="Cost" value={nano === undefined ? '-' : dollars(nano)} name="orchestrate_model_cost_nano_usd_total" />
        <Figure label="Tokens" value={thousands(sum(loaded.value, 'orchestrate_model_tokens_total'))} name="orchestrate_model_tokens_total" />
        <Figure label="Calls" value={thousands(sum(loaded.value, 'orchestrate_model_calls_total'))} name="orchestrate_model_calls_total" />
        <Figure label="Waiting for their turn" value={thousands(sum(loaded.value, 'orchestrate_model_calls_waiting'))} name="orchestrate_model_calls_waiting" />
      </dl>
      {rows.length === 0 ? (
        <p class="empty small">No model was called yet.</p>
      ) : (
        <div class="scroll-x">
          <table class="stack">
            <thead>
              <tr>
                <th>Model</th>
                <th class="right">Calls</th>
                <th class="right">Not answered</th>
                <th class="right">Tokens in</th>
                <th class="right">from cache</th>
                <th class="right">Tokens out</th>
                <th class="right">Cost</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.provider} ${row.model}`}>
                  <td class="name">
                    <strong>{row.model}</strong> <span class="soft">{row.provider}</span>
                  </td>
                  <td class="right num">{thousands(row.calls)}</td>
                  <td class="right num">{thousands(row.failed)}</td>
                  <td class="right num">{thousands(row.input)}</td>
                  <td class="right num">{thousands(row.cached)}</td>
                  <td class="right num">{thousands(row.output)}</td>
                  <td class="right num">{row.nano === undefined ? <span class="soft">price unknown</span> : dollars(row.nano)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="soft small">
        Of one run, by stage and by model: <code>orchestrate runs cost NAME</code>.
      </p>
    </Section>
  );
}

function Figure({ label, value, name }: { label: string; value: string; name: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd class="value num">{value}</dd>
      <dd class="metric-name mono">{name}</dd>
    </div>
  );
}
