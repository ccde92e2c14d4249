/** `/fleet/...`: room for work, and why what is queued does not begin. */
import { useEffect } from 'preact/hooks';
import { get } from '../../api/client';
import type { RunSummary } from '../../api/types';
import { useLoad } from '../../components/load';
import { markUseful } from '../../components/marks';
import { Empty, PageHead, Section, Skeleton, Status, Trouble } from '../../components/parts';
import { runPlace, runRef, type Matched } from '../../components/places';
import { isOver } from '../../components/status';
import { bytes, duration } from '../../components/text';
import { useTopic } from '../../live/use';

/** Of so many runs it is asked why their stages wait. */
const EXPLAINED = 20;

interface Waiting {
  run: string;
  stage: string;
  status: string;
  because: string;
}

async function waiting(runs: readonly RunSummary[]): Promise<Waiting[]> {
  const all = await Promise.all(
    runs.slice(0, EXPLAINED).map(async (run) => {
      const { data } = await get('/api/runs/{run}/explain', { path: { run: runRef(run.name) } });
      return data
        .filter((one) => one.status === 'queued' || one.status === 'waiting_environment')
        .map((one): Waiting => ({ run: run.name, stage: one.stage, status: one.status, because: one.because.join('; ') }));
    }),
  );
  return all.flat();
}

export function Fleet(_: { params: Matched }) {
  const fleet = useTopic('fleet');
  const runs = useTopic('runs');
  const status = useLoad('status', () => get('/api/status'));
  const live = (runs.value?.runs ?? []).filter((run) => !isOver(run.status));
  // Asked anew when the stream says that something moved.
  const queue = useLoad(runs.value ? 'queue' : undefined, () => waiting(live), `${runs.seq} ${fleet.seq}`);
  useEffect(() => {
    if (fleet.value) markUseful();
  }, [fleet.value !== undefined]);
  if (!fleet.value) return <Skeleton rows={6} />;
  const { slots, problem } = fleet.value;
  return (
    <>
      <PageHead title="Fleet" />
      <Section title="This server">
        <dl class="figures">
          <div>
            <dt>Slots in use</dt>
            <dd class="value num">
              {slots.used} of {slots.total}
            </dd>
          </div>
          <div>
            <dt>Queued stages</dt>
            <dd class="value num">{slots.queued}</dd>
          </div>
          <div>
            <dt>Storage</dt>
            <dd class="value">{problem ? <Status status="failed">{problem}</Status> : 'takes changes'}</dd>
          </div>
          {status.value ? (
            <>
              <div>
                <dt>Version</dt>
                <dd class="value">{status.value.version}</dd>
              </div>
              <div>
                <dt>Up for</dt>
                <dd class="value num">{duration(status.value.uptime_ms)}</dd>
              </div>
              <div>
                <dt>Database</dt>
                <dd class="value num">{bytes(status.value.storage.bytes)}</dd>
              </div>
            </>
          ) : null}
        </dl>
        <p class="soft small">Workers on other machines are not there yet: every stage runs here, in one of these slots.</p>
      </Section>
      <Section title="Queue" count={queue.value?.length}>
        {queue.refused ? <Trouble refusal={queue.refused} again={queue.again} /> : null}
        {queue.value?.length === 0 ? <Empty>Nothing is queued.</Empty> : null}
        <ul class="rows">
          {(queue.value ?? []).map((one) => (
            <li key={`${one.run}/${one.stage}`}>
              <Status status={one.status} />
              <a href={runPlace(one.run, { stage: one.stage })}>
                {one.stage} <span class="soft">{one.run}</span>
              </a>
              <span class="grow soft">{one.because}</span>
            </li>
          ))}
        </ul>
      </Section>
    </>
  );
}
