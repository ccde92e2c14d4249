/** One stage of a run beside its graph: output, values, artifacts, events. */
import { useEffect } from 'preact/hooks';
import { get, post } from '../../api/client';
import type { Explained, RunDetail, StageView } from '../../api/types';
import { useLoad } from '../../components/load';
import { query, setQuery } from '../../components/location';
import { Button, Empty, Status, Tabs, Took, Words } from '../../components/parts';
import { inboxPlace } from '../../components/places';
import { bytes, duration } from '../../components/text';
import { attempt as tried } from '../../components/toast';
import { missing } from '../../components/who';
import { useTopic } from '../../live/use';
import { Artifacts } from './artifacts';
import { Events } from './events';
import { LogView } from './log/view';
import { retryRefusal } from './model';
import { RunCost } from './talk/cost';
import { AgentTab } from './talk/view';
import { ValueTable } from './values';
import { Would } from './would';

interface Props {
  /** Whether agents work in the stage, or in any where none is chosen. */
  hasAgents: boolean;
  run: RunDetail;
  reference: string;
  stage: StageView | undefined;
  at: number | undefined;
  close: () => void;
}

const TABS = [
  ['log', 'Log'],
  ['io', 'IO'],
  ['agent', 'Agent'],
  ['artifacts', 'Artifacts'],
  ['events', 'Events'],
] as const;

function tabHref(tab: string): string {
  const next = new URLSearchParams(query.value);
  next.set('tab', tab);
  return `?${next.toString()}`;
}

export function Panel({ run, reference, stage, at, close, hasAgents }: Props) {
  const items = TABS.filter(([id]) => (id !== 'log' || stage !== undefined) && (id !== 'agent' || hasAgents));
  const wanted = query.value.get('tab');
  const tab = items.find(([id]) => id === wanted)?.[0] ?? items[0]?.[0] ?? 'io';
  return (
    <section class="panel" aria-label={stage ? `Stage ${stage.name}` : 'Run'} data-stage={stage?.name} data-status={stage?.status}>
      <header>
        <h2 class="clip">{stage?.name ?? 'Whole run'}</h2>
        {stage ? <Status status={stage.status} /> : null}
        <span class="rest" />
        {stage ? <StageActions run={run} reference={reference} stage={stage} /> : null}
        <Button kind="quiet" act={close} aria-label="Close panel">
          ✕
        </Button>
      </header>
      {stage ? <Reason stage={stage} run={run} reference={reference} /> : null}
      <Would of={stage ? stage.would : run.would} />
      <Tabs label="Stage" chosen={tab} items={items.map(([id, label]) => ({ id, label: id === 'agent' && !stage ? 'Cost' : label, href: tabHref(id) }))} />
      {tab === 'log' && stage ? (
        <LogTab run={run} reference={reference} stage={stage} />
      ) : (
        <div class="panel-body">
          {tab === 'io' ? <InOut run={run} stage={stage} /> : null}
          {tab === 'agent' && stage ? <AgentTab key={stage.name} run={run} reference={reference} stage={stage} /> : null}
          {tab === 'agent' && !stage ? <RunCost run={run} reference={reference} /> : null}
          {tab === 'artifacts' ? <Artifacts run={run} reference={reference} stage={stage} /> : null}
          {tab === 'events' ? <Events run={run} reference={reference} stage={stage} at={at} /> : null}
        </div>
      )}
    </section>
  );
}

function StageActions({ run, reference, stage }: { run: RunDetail; reference: string; stage: StageView }) {
  const retry = () => tried(() => post('/api/runs/{run}/retry', { path: { run: reference }, body: { from: stage.name } }));
  const inbox = useTopic('inbox').value;
  const waiting = [...(inbox?.approvals ?? []), ...(inbox?.inputs ?? [])].find((one) => one.run === run.id && one.stage === stage.name);
  return (
    <>
      {waiting ? (
        <a class="button primary" href={inboxPlace(waiting.id)}>
          {stage.status === 'waiting_input' ? 'Fill in' : 'Review'}
        </a>
      ) : null}
      {stage.status === 'held' ? (
        <Button act={() => tried(() => post('/api/runs/{run}/advance', { path: { run: reference }, body: { stage: stage.name } }))} why={missing('run')}>
          Let it go on
        </Button>
      ) : null}
      {stage.status === 'unknown' ? <Resolve reference={reference} stage={stage.name} /> : null}
      {stage.attempts.length > 0 || stage.status === 'not_run' || stage.status === 'cancelled' ? (
        <Button act={retry} why={missing('run') ?? retryRefusal(run, stage)}>
          Retry from here
        </Button>
      ) : null}
    </>
  );
}

function Resolve({ reference, stage }: { reference: string; stage: string }) {
  const say = (verdict: 'retry' | 'succeeded' | 'failed') => () =>
    tried(() => post('/api/runs/{run}/resolve', { path: { run: reference }, body: { stage, verdict } }));
  const why = missing('maintain');
  return (
    <>
      <Button act={say('succeeded')} why={why}>
        It succeeded
      </Button>
      <Button act={say('failed')} why={why}>
        It failed
      </Button>
    </>
  );
}

/** Why it is as it is: always for what waits, in the server's words. */
function Reason({ stage, run, reference }: { stage: StageView; run: RunDetail; reference: string }) {
  const asks = ['blocked', 'queued', 'waiting_environment', 'listening', 'skipped', 'not_run', 'held', 'unknown'].includes(stage.status);
  const why = useLoad(asks ? `${reference}/${stage.name}/${stage.status}` : undefined, () => get('/api/runs/{run}/explain', { path: { run: reference } }), run.sequence);
  const found: Explained | undefined = why.value?.data.find((one) => one.stage === stage.name);
  const says = found && found.because.length > 0 ? found.because.join('; ') : stage.detail;
  // What it would have done is listed by itself.
  if (!says || (stage.would ?? []).length > 0) return null;
  return (
    <p class="says soft small wrap">
      <Words text={says} />
      {(found?.remedies ?? []).map((remedy) => (
        <>
          <br />
          <code>{remedy}</code>
        </>
      ))}
    </p>
  );
}

function LogTab({ run, reference, stage }: { run: RunDetail; reference: string; stage: StageView }) {
  const last = stage.attempts.at(-1);
  const wanted = Number(query.value.get('attempt') ?? Number.NaN);
  const chosen = stage.attempts.find((one) => one.number === wanted) ?? last;
  useEffect(() => {
    // A new attempt is shown by itself, unless an older one was chosen.
    if (chosen && chosen === last && query.peek().has('attempt')) setQuery({ attempt: undefined }, { hash: location.hash });
  }, [last?.number]);
  if (!chosen) return <div class="panel-body"><Empty>{(stage.would ?? []).length > 0 ? 'Nothing ran, so nothing was written: what it would have done stands above.' : 'It has not begun.'}</Empty></div>;
  const took = chosen.elapsed_ms ?? undefined;
  const footer =
    chosen.finished_at && took !== undefined
      ? [chosen.detail || chosen.status, duration(took), chosen.max_rss_bytes ? `at most ${bytes(chosen.max_rss_bytes)} of memory` : ''].filter(Boolean).join(' · ')
      : undefined;
  return (
    <div class="panel-body flush" data-attempt={chosen.number}>
      {stage.attempts.length > 1 ? (
        <div class="log-bar">
          <label class="sr" for="attempt">
            Attempt
          </label>
          <select id="attempt" aria-label="Attempt" value={String(chosen.number)} onChange={(event) => setQuery({ attempt: event.currentTarget.value })}>
            {stage.attempts.map((one) => (
              <option key={one.number} value={String(one.number)}>
                attempt {one.number} of {stage.attempts.length}: {one.status}
              </option>
            ))}
          </select>
          <span class="soft small">
            <Took from={chosen.started_at} to={chosen.finished_at} /> {chosen.detail}
          </span>
        </div>
      ) : null}
      <LogView key={`${stage.name}/${chosen.number}`} run={reference} id={run.id} stage={stage.name} attempt={chosen.number} footer={footer} />
    </div>
  );
}

function InOut({ run, stage }: { run: RunDetail; stage: StageView | undefined }) {
  if (!stage) {
    return (
      <>
        <ValueTable title="Inputs" values={run.inputs} empty="It was started without inputs." />
        <ValueTable title="Outputs" values={run.outputs ?? {}} empty="It has no outputs (yet)." />
        <dl class="pairs">
          <dt>Directory</dt>
          <dd class="mono wrap">{run.directory}</dd>
          <dt>Definition</dt>
          <dd class="mono">{run.digest.slice(0, 12)}</dd>
        </dl>
      </>
    );
  }
  return (
    <>
      <ValueTable title="Outputs" values={stage.outputs} empty="It has no outputs (yet)." />
      <dl class="pairs">
        <dt>After</dt>
        <dd>{stage.depends_on.join(', ') || 'nothing'}</dd>
        <dt>Attempts</dt>
        <dd>
          {stage.attempts.length} of {stage.max_attempts}
        </dd>
        <dt>Took</dt>
        <dd>
          <Took from={stage.started_at} to={stage.finished_at} />
        </dd>
      </dl>
    </>
  );
}
