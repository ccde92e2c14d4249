/** Runs as a table: on their own page, at a pipeline, at a task. */
import type { RunSummary } from '../api/types';
import { Status, Time, Took } from './parts';
import { runPlace } from './places';
import { Progress } from './progress';
import { runStatus } from './status';

export function RunTable({ runs, withPipeline = true }: { runs: readonly RunSummary[]; withPipeline?: boolean }) {
  return (
    <div class="scroll-x">
      <table class="stack">
        <thead>
          <tr>
            <th>Run</th>
            <th>Status</th>
            <th>Stages</th>
            <th class="right">Took</th>
            <th>Began</th>
            <th>By</th>
            {withPipeline ? <th>Trigger</th> : <th>Version</th>}
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id} data-run={run.name} data-status={run.status} class={run.superseded ? 'old' : ''}>
              <td class="name">
                <a class="clip" href={runPlace(run.name)}>
                  {run.name}
                </a>
              </td>
              <td>
                <Status status={runStatus(run)}>
                  {run.superseded ? <span class="tag">superseded</span> : null}
                </Status>
              </td>
              <td>
                <Progress of={run.progress} />
              </td>
              <td class="right">
                <Took from={run.started_at} to={run.finished_at} />
              </td>
              <td class="soft num">
                <Time at={run.created_at} />
              </td>
              <td class="soft wide-only">{run.by}</td>
              <td class="soft wide-only">{withPipeline ? run.trigger : `r${run.revision}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
