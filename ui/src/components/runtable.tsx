/** Runs as a table: on their own page, at a pipeline, at a task. */
import type { ComponentChildren } from 'preact';
import type { RunSummary } from '../api/types';
import { ModeTag } from './mode';
import { Status, Time, Took } from './parts';
import { runPlace } from './places';
import { Progress } from './progress';
import { runStatus } from './status';

type Column = 'created' | 'duration' | 'name' | 'status';

export interface Sorting {
  /** How a column is sorted now; nothing: not by it. */
  of: (column: Column) => 'ascending' | 'descending' | undefined;
  press: (column: Column) => void;
}

export function RunTable({ runs, withPipeline = true, sort }: { runs: readonly RunSummary[]; withPipeline?: boolean; sort?: Sorting }) {
  return (
    <div class="scroll-x">
      <table class="stack">
        <thead>
          <tr>
            <Head sort={sort} by="name">
              Run
            </Head>
            <Head sort={sort} by="status">
              Status
            </Head>
            <th>Stages</th>
            <Head sort={sort} by="duration" right>
              Took
            </Head>
            <Head sort={sort} by="created">
              Began
            </Head>
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
                  <ModeTag mode={run.mode} />
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

function Head({ sort, by, right = false, children }: { sort: Sorting | undefined; by: Column; right?: boolean; children: ComponentChildren }) {
  return (
    <th class={right ? 'right' : undefined} aria-sort={sort?.of(by)}>
      {sort ? (
        <button type="button" class="sort" onClick={() => sort.press(by)}>
          {children}
        </button>
      ) : (
        children
      )}
    </th>
  );
}
