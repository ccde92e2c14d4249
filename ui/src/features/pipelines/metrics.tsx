/** How a pipeline's last runs went, in figures. */
import type { RunSummary } from '../../api/types';
import { Empty } from '../../components/parts';
import { isOver } from '../../components/status';
import { duration } from '../../components/text';
import { quantile, took } from './model';

export function Metrics({ runs }: { runs: readonly RunSummary[] }) {
  const ended = runs.filter((run) => isOver(run.status));
  if (ended.length === 0) return <Empty>No run of it has ended yet.</Empty>;
  const times = ended.map(took).filter((ms) => ms !== undefined);
  const waits = runs.filter((run) => run.started_at).map((run) => Date.parse(run.started_at ?? '') - Date.parse(run.created_at));
  const share = (status: string) => `${Math.round((ended.filter((run) => run.status === status).length / ended.length) * 100)}%`;
  const time = (part: number) => {
    const found = quantile(times, part);
    return found === undefined ? '-' : duration(found);
  };
  const figures: [string, string][] = [
    ['Runs that ended', String(ended.length)],
    ['Succeeded', share('succeeded')],
    ['Failed', share('failed')],
    ['Half took at most', time(0.5)],
    ['95 of 100 took at most', time(0.95)],
    ['Half waited to begin', duration(quantile(waits, 0.5) ?? 0)],
  ];
  return (
    <>
      <dl class="figures">
        {figures.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd class="value num">{value}</dd>
          </div>
        ))}
      </dl>
      <p class="soft small">Of the newest runs that are listed here. For all of them: <code>orchestrate_runs_finished_total</code> at <code>/metrics</code>.</p>
    </>
  );
}
