/** `/pipelines`: what there is, how it went lately, and when it goes again. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { get, post, refusal } from '../../api/client';
import type { PipelineSummary } from '../../api/types';
import { fits, parseFilter } from '../../components/filter';
import { useLoad } from '../../components/load';
import { handOver } from '../../components/handed';
import { navigate, query } from '../../components/location';
import { markUseful } from '../../components/marks';
import { Button, Empty, PageHead, Skeleton, Status, Time } from '../../components/parts';
import { pipelinePlace, runPlace } from '../../components/places';
import { SearchLine } from '../../components/searchline';
import { Spark } from '../../components/spark';
import { runStatus } from '../../components/status';
import { count, duration } from '../../components/text';
import { attempt, tell } from '../../components/toast';
import { missing } from '../../components/who';
import { useTopic } from '../../live/use';
import { StartDialog } from '../../components/start';
import { merged, rows, type Row } from './model';

function Switch({ of }: { of: PipelineSummary }) {
  const path = { name: of.name };
  const turn = () =>
    attempt(() =>
      of.enabled ? post('/api/pipelines/{name}/disable', { path }) : post('/api/pipelines/{name}/enable', { path }),
    );
  const why = missing('define');
  return (
    <button
      type="button"
      role="switch"
      class="switch"
      aria-checked={of.enabled}
      aria-label={`${of.name} starts by its triggers`}
      aria-disabled={why ? 'true' : undefined}
      title={why ?? (of.enabled ? 'Starts by its triggers' : 'Its triggers are off')}
      onClick={() => (why ? undefined : void turn())}
    />
  );
}

function PipelineRow({ row, start }: { row: Row; start: () => void }) {
  const { pipeline, bars, p50, p95, pass, waiting } = row;
  const last = pipeline.last_run;
  return (
    <tr data-pipeline={pipeline.name}>
      <td class="name">
        <a class="clip" href={pipelinePlace(pipeline.name)} title={pipeline.description}>
          {pipeline.name}
        </a>
        {waiting > 0 ? (
          <a class="waits attention small" href={`/runs?q=${encodeURIComponent(`pipeline:${pipeline.name} status:waiting`)}`}>
            {count(waiting, 'run')} waiting for people
          </a>
        ) : null}
      </td>
      <td>
        {last ? (
          <a class="fill" href={runPlace(last.name)}>
            <Status status={runStatus(last)} />
            <span class="soft num small">
              #{last.number} <Time at={last.finished_at ?? last.created_at} />
            </span>
          </a>
        ) : (
          <span class="soft">never</span>
        )}
      </td>
      <td class="wide-only">
        <Spark bars={bars} />
      </td>
      <td class="num soft wide-only">
        {p50 === undefined ? '-' : duration(p50)}
        {p95 === undefined ? '' : ` / ${duration(p95)}`}
      </td>
      <td class="right num wide-only">{pass === undefined ? <span class="soft">-</span> : `${Math.round(pass * 100)}%`}</td>
      <td class="soft num wide-only">{pipeline.next_run ? <Time at={pipeline.next_run} /> : '-'}</td>
      <td class="wide-only">
        <Switch of={pipeline} />
      </td>
      <td class="right">
        <Button act={start} why={missing('run')} aria-label={`Run ${pipeline.name}`}>
          Run
        </Button>
      </td>
    </tr>
  );
}

/** A file of somebody's disk, stored as a pipeline; what is wrong with it is shown in the editor. */
function Import() {
  const why = missing('define');
  const take = async (file: File | undefined) => {
    if (!file) return;
    const definition = await file.text();
    try {
      const made = await post('/api/pipelines', { body: { definition, file: file.name } });
      navigate(pipelinePlace(made.name, 'definition'));
    } catch (error) {
      const refused = refusal(error);
      if (refused.code !== 'definition_invalid') {
        tell(refused.message, 'trouble', refused.hints);
        return;
      }
      handOver(definition);
      navigate('/pipelines/new');
    }
  };
  return (
    <label class="button plain" title={why ?? 'A YAML file'} aria-disabled={why ? 'true' : undefined}>
      Import
      <input type="file" class="sr" accept=".yaml,.yml" disabled={why !== undefined} onChange={(event) => void take(event.currentTarget.files?.[0])} />
    </label>
  );
}

export function Pipelines() {
  const list = useTopic('pipelines').value;
  const live = useTopic('runs').value;
  const asked = useLoad('runs', () => get('/api/runs', { query: { limit: 500 } }));
  const [starting, setStarting] = useState<string | undefined>(undefined);
  const text = query.value.get('q') ?? '';
  const filter = useMemo(() => parseFilter(text), [text]);
  const all = useMemo(
    () => rows(list?.pipelines ?? [], merged(asked.value?.data ?? [], live?.runs ?? [])),
    [list, asked.value, live],
  );
  useEffect(() => {
    if (list) markUseful();
  }, [list !== undefined]);
  const shown = all
    .filter(({ pipeline }) =>
      fits(filter, {
        name: pipeline.name,
        description: pipeline.description,
        status: pipeline.last_run?.status ?? 'never',
        on: pipeline.enabled ? 'yes' : 'no',
      }),
    )
    .sort((a, b) => a.pipeline.name.localeCompare(b.pipeline.name));
  return (
    <>
      <PageHead title="Pipelines">
        <Import />
        <a class="button plain" href="/templates">
          From a template
        </a>
        <a class="button primary" href="/pipelines/new">
          New pipeline
        </a>
      </PageHead>
      <div class="filter">
        <SearchLine label="Filter pipelines" hint="Filter: status:failed on:yes words" />
      </div>
      {list === undefined ? (
        <Skeleton rows={10} />
      ) : all.length === 0 ? (
        <Empty command="orchestrate pipeline create pipelines/feature.yaml" action={<a class="button primary" href="/templates">Begin from a template</a>}>
          No pipelines yet.
        </Empty>
      ) : shown.length === 0 ? (
        <Empty>
          No pipeline fits the filter <code>{text}</code>.
        </Empty>
      ) : (
        <div class="scroll-x">
          <table class="stack">
            <thead>
              <tr>
                <th>Name</th>
                <th>Last run</th>
                <th>Last 20 (height = time)</th>
                <th>p50 / p95</th>
                <th class="right">Pass</th>
                <th>Next</th>
                <th>On</th>
                <th class="right">
                  <span class="sr">Run</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <PipelineRow key={row.pipeline.name} row={row} start={() => setStarting(row.pipeline.name)} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {starting === undefined ? null : <StartDialog pipeline={starting} close={() => setStarting(undefined)} />}
    </>
  );
}
