/** `/fleet/...`: who works, what waits for room, and which agents there are. */
import { useEffect } from 'preact/hooks';
import { get } from '../../api/client';
import type { Fleet as FleetState } from '../../api/types';
import { useLoad } from '../../components/load';
import { markUseful } from '../../components/marks';
import { PageHead, Section, Skeleton, Status, Tabs } from '../../components/parts';
import type { Matched } from '../../components/places';
import { roomOf } from '../../components/room';
import { bytes, duration } from '../../components/text';
import { useTopic } from '../../live/use';
import { Agents } from './agents';
import { Queue } from './queues';
import { RoleQueues } from './roles';
import { Workers } from './workers';

const TABS = [
  ['workers', 'Workers'],
  ['agents', 'Agents'],
  ['queues', 'Queues'],
] as const;

export function Fleet({ params }: { params: Matched }) {
  const fleet = useTopic('fleet').value;
  const tab = TABS.find(([id]) => id === params['tab'])?.[0] ?? 'workers';
  useEffect(() => {
    if (fleet) markUseful();
  }, [fleet !== undefined, tab]);
  const counts: Record<string, number | undefined> = { workers: fleet?.workers?.length, queues: fleet?.slots.queued };
  return (
    <>
      <PageHead title="Fleet" below={<Tabs label="Fleet" chosen={tab} items={TABS.map(([id, label]) => ({ id, label, count: counts[id], href: `/fleet/${id}` }))} />} />
      {fleet === undefined ? (
        <Skeleton rows={6} />
      ) : (
        <>
          {tab === 'agents' ? null : <Figures fleet={fleet} />}
          {tab === 'workers' ? <Workers fleet={fleet} /> : null}
          {tab === 'agents' ? <Agents /> : null}
          {tab === 'queues' ? (
            <>
              <Queue fleet={fleet} />
              <RoleQueues />
            </>
          ) : null}
        </>
      )}
    </>
  );
}

function Figures({ fleet: { slots, workers, queue, problem } }: { fleet: FleetState }) {
  const status = useLoad('status', () => get('/api/status'));
  const room = workers && queue ? roomOf(workers, queue) : { workers: 1, ...slots };
  return (
    <Section title="Room for work">
      <dl class="figures">
        <div>
          <dt>Slots in use</dt>
          <dd class="value num">
            {room.used} of {room.total}
          </dd>
        </div>
        <div>
          <dt>Queued stages</dt>
          <dd class="value num">{room.queued}</dd>
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
    </Section>
  );
}
