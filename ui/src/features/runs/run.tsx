/** `/runs/:run`: one run, from why it failed to every byte it wrote. */
import { useEffect, useMemo } from 'preact/hooks';
import { get, Refusal } from '../../api/client';
import type { Graph, RunDetail } from '../../api/types';
import { GraphCanvas } from '../../components/graph/canvas';
import { sceneOf, withStages } from '../../components/graph/scene';
import { useLoad, type Loaded } from '../../components/load';
import { navigate, place, query, setQuery } from '../../components/location';
import { markUseful } from '../../components/marks';
import { ModeTag } from '../../components/mode';
import { Button, Glyph, PageHead, Skeleton, Status, Time, Took, Trouble, Words } from '../../components/parts';
import { pipelinePlace, runPlace, taskPlace, type Matched } from '../../components/places';
import { runStatus } from '../../components/status';
import { Polite } from '../../components/polite';
import { tabLook } from '../../components/tab';
import { useTopic } from '../../live/use';
import { Asks } from './asks';
import { RunActions } from './actions';
import { CauseCard } from './cause';
import { useRunKeys } from './keys';
import { causeOf, stageByName } from './model';
import { Panel } from './panel';
import { StageTable } from './table';
import { TimelineView } from './timeline';
import { StageTree } from './tree';

const VIEWS = ['graph', 'timeline', 'table'] as const;

export function Run({ params }: { params: Matched }) {
  const reference = params['number'] === undefined ? (params['run'] ?? '') : `${params['run']}~${params['number']}`;
  const live = useTopic('run', reference);
  const at = Number(query.value.get('at') ?? Number.NaN);
  const past = useLoad(Number.isNaN(at) ? undefined : `${reference}@${at}`, () => get('/api/runs/{run}', { path: { run: reference }, query: { at } }));
  const now = live.value;
  const nowhere = live.phase === 'failed' && live.says !== undefined;
  useEffect(() => {
    if (now || nowhere) markUseful();
  }, [now !== undefined, nowhere]);
  const status = now ? runStatus(now) : undefined;
  useEffect(() => {
    if (now && status) return tabLook(now.name, status);
    return undefined;
  }, [now?.name, status]);
  if (live.phase === 'failed' && live.says) {
    const problem = { status: 404, code: 'not_found', title: 'There is no such run', detail: live.says, hints: ['orchestrate runs list'] };
    return (
      <>
        <PageHead title={reference.replace('~', '#')}>
          <a class="button" href="/runs">
            All runs
          </a>
        </PageHead>
        <Trouble refusal={new Refusal(404, problem)} />
      </>
    );
  }
  if (!now) return <Skeleton rows={8} />;
  const isPast = !Number.isNaN(at);
  const run = isPast ? (past.value ?? now) : now;
  return <RunPage run={run} now={now} reference={reference} at={isPast ? at : undefined} within={params['within'] !== undefined} />;
}

/** `within`: it stands on the page of a task, which says what it is. */
function RunPage({ run, now, reference, at, within }: { run: RunDetail; now: RunDetail; reference: string; at: number | undefined; within: boolean }) {
  const view = VIEWS.find((one) => one === query.value.get('view')) ?? 'graph';
  const wanted = query.value.get('stage') ?? undefined;
  const stage = stageByName(run, wanted);
  useRunKeys(run, stage);
  // Places follow from the definition: asked for once, whatever happens in the run.
  const graph = useLoad(`${reference}/${run.revision}`, () => get('/api/runs/{run}/graph', { path: { run: reference } }));
  const agents = (graph.value?.nodes ?? []).filter((node) => node.kind === 'agent').map((node) => node.name);
  const hasAgents = stage ? agents.includes(stage.stage) : agents.length > 0 || (run.usage?.calls ?? 0) > 0;
  const hasPanel = stage !== undefined || query.value.has('tab');
  const choose = (name: string | undefined, attempt?: number) =>
    setQuery({ stage: name, attempt, ...(name === undefined ? { tab: undefined } : {}) }, { push: true });
  const openLog = (name: string) => setQuery({ stage: name, tab: 'log', attempt: undefined }, { push: true });
  const close = () => setQuery({ stage: undefined, attempt: undefined, tab: undefined });
  return (
    <div data-run={run.name} data-status={run.status} data-seq={run.sequence}>
      {within ? (
        <div class="run-bar">
          <Facts run={run} />
          <span class="rest" />
          <RunActions run={now} reference={reference} />
        </div>
      ) : (
        <PageHead title={<span class="wrap">{now.name}</span>} below={<Facts run={run} />}>
          <RunChooser run={now} />
          <RunActions run={now} reference={reference} />
        </PageHead>
      )}
      {at === undefined ? null : (
        <div class="notice attention" role="status">
          State after event {at} of {now.sequence}: {run.status}.
          <Button act={() => setQuery({ at: undefined })}>Back to now</Button>
        </div>
      )}
      {now.paused_at && at === undefined ? (
        <div class="notice" role="status">
          <Status status="paused" /> since <Time at={now.paused_at} />. What runs goes on to its end; nothing new begins.
        </div>
      ) : null}
      {run.mode === 'shadow' ? (
        <div class="notice" role="status">
          <Glyph status="would_have" />
          <span class="grow">Nothing is really done in this run: each stage says what it would have done.</span>
        </div>
      ) : null}
      {at === undefined ? <Asks run={now} /> : null}
      {run.superseded ? <div class="notice">A later run took the place of this one.</div> : null}
      {run.status === 'failed' || run.progress.failed > 0 ? <CauseCard run={run} reference={reference} open={openLog} shown={(query.value.get('tab') ?? 'log') === 'log' ? stage?.name : undefined} /> : null}
      <div class="run-bar">
        <div class="segments" role="group" aria-label="View">
          {VIEWS.map((one) => (
            <button type="button" key={one} aria-pressed={view === one} onClick={() => setQuery({ view: one === 'graph' ? undefined : one }, { hash: place.value.hash })}>
              {one[0]?.toUpperCase() + one.slice(1)}
            </button>
          ))}
        </div>
        <span class="rest" />
        <a class="button quiet" href={beside('io')}>
          Inputs and outputs
        </a>
        {agents.length > 0 ? (
          <a class="button quiet" href={beside('agent')}>
            Cost
          </a>
        ) : null}
        <a class="button quiet" href={beside('artifacts')}>
          Artifacts
        </a>
        <a class="button quiet" href={beside('events')}>
          Events
        </a>
      </div>
      <div class={`run-body${hasPanel ? ' with-panel' : ''}`}>
        <div>
          {view === 'graph' ? <GraphView run={run} graph={graph} chosen={wanted} choose={choose} /> : null}
          {view === 'timeline' ? <TimelineView run={run} chosen={wanted} choose={choose} /> : null}
          {view === 'table' ? <StageTable run={run} chosen={wanted} choose={choose} /> : null}
        </div>
        {hasPanel ? <Panel hasAgents={hasAgents} run={run} reference={reference} stage={stage} at={at} close={close} /> : null}
      </div>
      <Said run={now} />
    </div>
  );
}

/** What belongs to the whole run, in the panel of the page that is open. */
function beside(tab: string): string {
  const next = new URLSearchParams(query.value);
  next.delete('stage');
  next.delete('attempt');
  next.set('tab', tab);
  return `?${next.toString()}`;
}

function Facts({ run }: { run: RunDetail }) {
  return (
    <div class="run-facts">
      <Status status={runStatus(run)} />
      <ModeTag mode={run.mode} always />
      <Took from={run.started_at} to={run.finished_at} />
      <span>
        by {run.by}, {run.trigger}
      </span>
      <span>
        <Time at={run.created_at} />
      </span>
      <a href={pipelinePlace(run.pipeline, 'definition')}>
        {run.pipeline} r{run.revision}
      </a>
      {run.task ? <a href={taskPlace(run.task)}>{run.task}</a> : null}
      {run.extends ? <a href={runPlace(run.extends)}>goes on from {run.extends}</a> : null}
      {run.parent ? <a href={runPlace(run.parent.split('/')[0] ?? run.parent)}>within {run.parent}</a> : null}
      {run.reason ? (
        <span class="wrap">
          <Words text={run.reason} />
        </span>
      ) : null}
    </div>
  );
}

/** The other runs of the same pipeline. */
function RunChooser({ run }: { run: RunDetail }) {
  const others = useTopic('pipeline', run.pipeline).value?.runs ?? [];
  const all = others.some((one) => one.id === run.id) ? others : [run, ...others];
  if (all.length < 2) return null;
  const last = Math.max(...all.map((one) => one.number));
  return (
    <select aria-label="Run" value={run.name} onChange={(event) => navigate(runPlace(event.currentTarget.value))}>
      {all.slice(0, 50).map((one) => (
        <option key={one.id} value={one.name}>
          {one.name} {one.status}
          {one.number === last ? ' (last)' : ''}
        </option>
      ))}
    </select>
  );
}

interface GraphProps {
  run: RunDetail;
  graph: Loaded<Graph>;
  chosen: string | undefined;
  choose: (name: string | undefined) => void;
}

function GraphView({ run, graph, chosen, choose }: GraphProps) {
  const still = useMemo(() => (graph.value ? sceneOf(graph.value) : undefined), [graph.value]);
  const scene = useMemo(() => (still ? withStages(still, run.stages) : undefined), [still, run.stages]);
  const failed = causeOf(run)?.stage.stage;
  const stage = stageByName(run, chosen)?.stage;
  return (
    <div class="graph-view" style={{ '--graph-height': `${Math.min(640, Math.max(240, (scene?.height ?? 0) + 48))}px` }}>
      <StageTree stages={run.stages} chosen={chosen} choose={choose} />
      {graph.refused ? <Trouble refusal={graph.refused} again={graph.again} /> : null}
      {scene ? <GraphCanvas scene={scene} chosen={stage} choose={choose} failed={failed} /> : null}
    </div>
  );
}

/** Changes of the run for whoever does not see them: at most one in five seconds. */
function Said({ run }: { run: RunDetail }) {
  const { settled, total, running, waiting } = run.progress;
  const text = `${run.name} ${run.status}: ${settled} of ${total} stages done, ${running} running, ${waiting} waiting`;
  return <Polite text={text} />;
}

