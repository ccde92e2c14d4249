/** `/fleet/workers/:id`: one worker. */
import { useEffect } from 'preact/hooks';
import type { WorkerView } from '../../api/types';
import { navigate } from '../../components/location';
import { markUseful } from '../../components/marks';
import { useNow } from '../../components/now';
import { Empty, PageHead, Section, Skeleton, Status, Time, Took } from '../../components/parts';
import { runPlace, type Matched } from '../../components/places';
import { bytes, duration } from '../../components/text';
import { useTopic } from '../../live/use';
import { WorkerActs } from './acts';
import { attemptKey, leaseLeft } from './model';
import { Heard, Labels, Slots } from './workers';

export function Worker({ params }: { params: Matched }) {
  const name = params['id'] ?? '';
  const fleet = useTopic('fleet').value;
  const worker = fleet?.workers?.find((one) => one.name === name);
  useEffect(() => {
    if (fleet) markUseful();
  }, [fleet !== undefined]);
  if (!fleet) return <Skeleton rows={6} />;
  if (!worker) {
    return (
      <>
        <PageHead title={name} />
        <Empty
          command={`orchestrate worker --name ${name}`}
          action={
            <a class="button" href="/fleet/workers">
              All workers
            </a>
          }
        >
          No worker of this name is known: it was never here, or was forgotten.
        </Empty>
      </>
    );
  }
  return (
    <div data-worker={worker.name} data-status={worker.state}>
      <PageHead title={worker.name} below={<Facts worker={worker} />}>
        <WorkerActs worker={worker} forgotten={() => navigate('/fleet/workers')} />
      </PageHead>
      {worker.state === 'lost' ? (
        <div class="notice attention" role="status">
          <span class="grow">
            Nothing was heard of it for longer than its lease. What it held is tried again on another worker; when it comes back, what it still runs of that is stopped.
          </span>
        </div>
      ) : null}
      {worker.state === 'draining' ? (
        <div class="notice" role="status">
          It ends what it has and takes nothing more.
        </div>
      ) : null}
      <Section title={worker.state === 'lost' ? 'What it held' : 'Works on'} count={worker.attempts.length || undefined}>
        {worker.attempts.length > 0 ? (
          <Held worker={worker} />
        ) : (
          <p class="empty small">{worker.state === 'lost' ? 'Nothing that is still with it: what it had is in the queue, or with another worker.' : 'Nothing.'}</p>
        )}
      </Section>
      <Section title="What it is">
        <dl class="pairs">
          <dt>Slots</dt>
          <dd>
            <Slots worker={worker} />
          </dd>
          <dt>Labels</dt>
          <dd>
            <Labels labels={worker.labels} />
          </dd>
          <dt>Host</dt>
          <dd class="wrap">{worker.host}</dd>
          <dt>Platform</dt>
          <dd>
            {worker.platform}, {worker.cpus} CPUs, {bytes(worker.memory_bytes)} of memory
          </dd>
          <dt>Version</dt>
          <dd class="mono">{worker.version}</dd>
        </dl>
      </Section>
    </div>
  );
}

function Facts({ worker }: { worker: WorkerView }) {
  const now = useNow(Boolean(worker.lease_until));
  const left = leaseLeft(worker, now);
  return (
    <div class="run-facts">
      <Status status={worker.state} />
      <span>
        since <Time at={worker.since} />
      </span>
      {worker.heard_at ? (
        <span>
          heard <Heard worker={worker} />
        </span>
      ) : (
        <span>the server's own hands</span>
      )}
      {left === undefined ? null : <span class="num">lease for {duration(left)}</span>}
    </div>
  );
}

function Held({ worker }: { worker: WorkerView }) {
  return (
    <ul class="rows">
      {worker.attempts.map((one) => (
        <li key={attemptKey(one)} data-run={one.run_name} data-stage={one.stage} data-attempt={one.attempt}>
          <a class="grow" href={runPlace(one.run_name, { stage: one.stage, attempt: one.attempt })}>
            <strong>{one.stage}</strong> <span class="soft">{one.run_name}</span>
          </a>
          <span class="soft small">attempt {one.attempt}</span>
          {one.started_at ? <Took from={one.started_at} to={worker.state === 'lost' ? worker.since : undefined} /> : <span class="soft small">handed out</span>}
        </li>
      ))}
    </ul>
  );
}
