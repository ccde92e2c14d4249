/** `/`: what needs you, what runs, what failed lately, and whether there is room. */
import { useEffect } from 'preact/hooks';
import { post } from '../../api/client';
import { serverNow } from '../../api/clock';
import type { Fleet } from '../../api/types';
import { navigate } from '../../components/location';
import { useNow } from '../../components/now';
import { Button, Empty, Glyph, PageHead, Section, Skeleton, Status, Time, Took, Words } from '../../components/parts';
import { ModeTag } from '../../components/mode';
import { inboxPlace, runPlace, runRef, workerPlace } from '../../components/places';
import { Progress } from '../../components/progress';
import { fleetSays } from '../../components/room';
import { runStatus } from '../../components/status';
import { age } from '../../components/text';
import { attempt } from '../../components/toast';
import { missing } from '../../components/who';
import { markUseful } from '../../components/marks';
import { useTopic } from '../../live/use';
import { failedLately, going, needs, type Need } from './model';

function NeedRow({ need }: { need: Need }) {
  const now = useNow();
  const left = need.due ? Date.parse(need.due) - now : undefined;
  return (
    <li>
      <Glyph status={need.kind === 'approval' ? 'waiting_approval' : 'waiting_input'} />
      <span class="grow">
        <strong>{need.stage}</strong>{' '}
        <a class="soft" href={runPlace(need.run)}>
          {need.run}
        </a>
      </span>
      <span class="soft small">{need.says}</span>
      {left === undefined ? null : <span class={`small num ${left < 3_600_000 ? 'attention' : 'soft'}`}>{left > 0 ? `${age(left)} left` : 'due'}</span>}
      <a class="button plain" href={inboxPlace(need.id)}>
        {need.kind === 'approval' ? 'Review' : 'Fill in'}
      </a>
    </li>
  );
}

/** `3 workers, 5/8 slots, 1 queued (needs label gpu)`, with the way to each. */
function FleetLine({ fleet }: { fleet: Fleet }) {
  const { slots, problem } = fleet;
  const [workers, queue] = [fleet.workers ?? [], fleet.queue ?? []];
  const says = workers.length > 0 ? fleetSays(workers, queue) : `${slots.used}/${slots.total} slots, ${slots.queued} queued`;
  const lost = workers.filter((worker) => worker.state === 'lost');
  return (
    <Section title="Fleet">
      <ul class="rows">
        <li data-fleet>
          <Glyph status={queue.length > 0 ? 'queued' : 'online'} />
          <a class="grow two-lines" href={queue.length > 0 ? '/fleet/queues' : '/fleet/workers'}>
            {says}
          </a>
        </li>
        {lost.map((worker) => (
          <li key={worker.name} data-worker={worker.name} data-status="lost">
            <Glyph status="lost" />
            <a class="grow" href={workerPlace(worker.name)}>
              {worker.name} <span class="soft">is lost</span>
            </a>
            <span class="soft small">
              since <Time at={worker.since} />
            </span>
          </li>
        ))}
        {problem ? (
          <li>
            <Status status="failed">{problem}</Status>
          </li>
        ) : null}
      </ul>
    </Section>
  );
}

async function runExample(): Promise<void> {
  const { default: definition } = await import('../../../../templates/hello.yaml?raw');
  await attempt(async () => {
    const run = await post('/api/runs', { body: { definition } });
    if ('name' in run) navigate(runPlace(run.name));
  });
}

export function Now() {
  const runs = useTopic('runs');
  const inbox = useTopic('inbox').value;
  const fleet = useTopic('fleet').value;
  useNow();
  const ready = runs.value !== undefined && inbox !== undefined;
  useEffect(() => {
    if (ready) markUseful();
  }, [ready]);
  if (!runs.value || !inbox) return <Skeleton rows={8} />;
  const all = runs.value.runs;
  const waiting = needs(inbox.approvals, inbox.inputs);
  const live = going(all);
  const failed = failedLately(all, serverNow());
  const done = all.filter((run) => run.status === 'succeeded');
  if (all.length === 0) {
    return (
      <>
        <PageHead title="Now" />
        <Empty
          command="orchestrate init && orchestrate run pipelines/feature.yaml"
          action={
            <Button kind="primary" act={runExample} why={missing('run') ?? missing('define')}>
              Run the example
            </Button>
          }
        >
          No runs yet.
        </Empty>
      </>
    );
  }
  return (
    <>
      <PageHead title="Now" />
      <div class="now">
        <div class="whole">
          <Section title="Needs you" count={waiting.length}>
            {waiting.length === 0 ? (
              <p class="empty small">Nothing waits for anybody.</p>
            ) : (
              <ul class="rows tall">
                {waiting.slice(0, 8).map((need) => (
                  <NeedRow key={need.id} need={need} />
                ))}
              </ul>
            )}
          </Section>
        </div>
        <Section title="Running" count={live.length}>
          {live.length === 0 ? (
            <p class="empty small">No run is going on.</p>
          ) : (
            <ul class="rows">
              {live.slice(0, 12).map((run) => (
                <li key={run.id} class="one-line" data-run={run.name} data-status={run.status}>
                  <Glyph status={runStatus(run)} />
                  <a class="grow" href={runPlace(run.name)}>
                    {run.name}
                  </a>
                  <ModeTag mode={run.mode} />
                  <Progress of={run.progress} />
                  <Took from={run.started_at} to={run.finished_at} />
                </li>
              ))}
            </ul>
          )}
        </Section>
        <Section title="Failed, last 24 h" count={failed.length}>
          {failed.length === 0 ? (
            <p class="empty small">Nothing failed since yesterday.</p>
          ) : (
            <ul class="rows">
              {failed.slice(0, 12).map((run) => (
                <li key={run.id} data-run={run.name} data-status={run.status}>
                  <Glyph status={runStatus(run)} />
                  <a class="grow" href={runPlace(run.name)}>
                    {run.name}{' '}
                    <span class="soft">
                      <Words text={run.reason} />
                    </span>
                  </a>
                  <span class="soft small">
                    <Time at={run.finished_at} />
                  </span>
                  <Button
                    act={() => attempt(() => post('/api/runs/{run}/retry', { path: { run: runRef(run.name) }, body: {} }))}
                    why={missing('run')}
                    title="Runs again what failed, and what did not run because of it"
                  >
                    Retry
                  </Button>
                </li>
              ))}
            </ul>
          )}
        </Section>
        {done.length === 0 ? null : (
          <Section title="Done lately">
            <ul class="rows">
              {done.slice(0, 6).map((run) => (
                <li key={run.id} class="one-line" data-run={run.name} data-status={run.status}>
                  <Glyph status={run.status} />
                  <a class="grow" href={runPlace(run.name)}>
                    {run.name}
                  </a>
                  <ModeTag mode={run.mode} />
                  <span class="soft small">
                    <Time at={run.finished_at} />
                  </span>
                  <Took from={run.started_at} to={run.finished_at} />
                </li>
              ))}
            </ul>
          </Section>
        )}
        {fleet ? <FleetLine fleet={fleet} /> : null}
      </div>
    </>
  );
}
