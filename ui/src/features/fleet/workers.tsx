/** Workers: who is there, what they can do, what they work on. */
import type { Fleet, QueuedAttempt, WorkerView } from '../../api/types';
import { Copy } from '../../components/copy';
import { useNow } from '../../components/now';
import { None, Section, Status } from '../../components/parts';
import { runPlace, workerPlace } from '../../components/places';
import { bytes, duration } from '../../components/text';
import { WorkerActs } from './acts';
import { attemptKey, heard, inOrder, leaseLeft, LOCAL, missingLabels, startCommand } from './model';

export function Workers({ fleet }: { fleet: Fleet }) {
  const workers = inOrder(fleet.workers ?? []);
  const queue = fleet.queue ?? [];
  const alone = workers.every((worker) => worker.name === LOCAL);
  return (
    <>
      <Wanted queue={queue} workers={workers} />
      <div class="scroll-x">
        <table class="stack workers">
          <thead>
            <tr>
              <th>Worker</th>
              <th>State</th>
              <th>Labels</th>
              <th>Slots</th>
              <th>Works on</th>
              <th>Heard</th>
              <th class="wide-only">Machine</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {workers.map((worker) => (
              <Row key={worker.name} worker={worker} />
            ))}
          </tbody>
        </table>
      </div>
      {alone ? (
        <Section title="More workers">
          <p class="soft says">
            Only the server itself works now. A worker on another machine takes what its labels fit, as long as it is heard of; it needs a token with the right <code>work</code>.
          </p>
          <Copy text={startCommand()} />
        </Section>
      ) : null}
    </>
  );
}

/** What nobody who is there can do: how it would be done. */
function Wanted({ queue, workers }: { queue: readonly QueuedAttempt[]; workers: readonly WorkerView[] }) {
  const labels = missingLabels(queue, workers);
  if (labels.length === 0) return null;
  return (
    <div class="notice attention" role="status">
      <span class="grow">
        No worker that is there has {labels.length === 1 ? 'the label' : 'the labels'} <strong>{labels.join(', ')}</strong>: what needs {labels.length === 1 ? 'it' : 'them'} waits until one comes.
      </span>
      <Copy text={startCommand(labels)} />
    </div>
  );
}

function Row({ worker }: { worker: WorkerView }) {
  return (
    <tr data-worker={worker.name} data-status={worker.state}>
      <td class="name">
        <a class="clip" href={workerPlace(worker.name)}>
          {worker.name}
        </a>
      </td>
      <td>
        <Status status={worker.state} /> <Since worker={worker} />
      </td>
      <td>
        <Labels labels={worker.labels} />
      </td>
      <td class="num">
        <Slots worker={worker} />
      </td>
      <td class="wrap">
        <Works worker={worker} most={3} />
      </td>
      <td class="soft num">
        <Heard worker={worker} />
      </td>
      <td class="soft wide-only">
        {worker.platform}, {worker.cpus} CPUs, {bytes(worker.memory_bytes)}
      </td>
      <td class="right">
        <WorkerActs worker={worker} />
      </td>
    </tr>
  );
}

/** Of whoever is not simply there: since when. */
function Since({ worker }: { worker: WorkerView }) {
  const now = useNow(worker.state !== 'online');
  if (worker.state === 'online') return null;
  return <span class="soft small num">for {duration(Math.max(0, now - Date.parse(worker.since))).replace(/\.\ds$/, 's')}</span>;
}

export function Labels({ labels }: { labels: readonly string[] }) {
  if (labels.length === 0) return <None />;
  return (
    <span class="tags">
      {labels.map((label) => (
        <span key={label} class="tag">
          {label}
        </span>
      ))}
    </span>
  );
}

export function Slots({ worker }: { worker: WorkerView }) {
  const share = worker.slots === 0 ? 0 : Math.min(1, worker.used / worker.slots);
  return (
    <>
      <span class="bar narrow" role="img" aria-label={`${worker.used} of ${worker.slots} slots in use`}>
        <i class="running" style={{ width: `${share * 100}%` }} />
      </span>{' '}
      {worker.used}/{worker.slots}
    </>
  );
}

/** When it was last heard of, and how long that is good for. */
export function Heard({ worker }: { worker: WorkerView }) {
  const now = useNow(Boolean(worker.heard_at));
  const left = leaseLeft(worker, now);
  return (
    <span title={left === undefined ? undefined : `counts as there for another ${duration(left)}`}>
      {worker.heard_at ? <span class="only-narrow">heard </span> : null}
      {heard(worker, now)}
    </span>
  );
}

/** What it holds, each with the way to it. */
export function Works({ worker, most }: { worker: WorkerView; most: number }) {
  const { attempts } = worker;
  if (attempts.length === 0) return <span class="soft none">{worker.state === 'lost' ? 'handed to others' : 'nothing'}</span>;
  return (
    <>
      {worker.state === 'lost' ? <span class="soft">held </span> : null}
      {attempts.slice(0, most).map((one) => (
        <span key={attemptKey(one)} class="held">
          <a href={runPlace(one.run_name, { stage: one.stage, attempt: one.attempt })}>
            {one.stage} <span class="soft">{one.run_name}</span>
          </a>
        </span>
      ))}
      {attempts.length > most ? <span class="soft"> and {attempts.length - most} more</span> : null}
    </>
  );
}
