/** Queues: what waits to be handed out, each with its reason; and where tasks are on their way through the roles. */
import type { Fleet, QueuedAttempt } from '../../api/types';
import { Empty, Glyph, None, Section, Time, Words } from '../../components/parts';
import { runPlace } from '../../components/places';
import { attemptKey, reasonsOf } from './model';

export function Queue({ fleet }: { fleet: Fleet }) {
  const queue = fleet.queue ?? [];
  const reasons = reasonsOf(queue);
  return (
    <Section title="Waiting for a worker" count={queue.length || undefined}>
      {queue.length === 0 ? <Empty>Nothing is queued: every attempt that may begin has a slot.</Empty> : null}
      {reasons.length < queue.length ? (
        <p class="soft small says">
          {reasons.map(({ why, number }) => (
            <span key={why} class="why">
              {number} × <Words text={why} />
            </span>
          ))}
        </p>
      ) : null}
      {queue.length > 0 ? (
        <div class="scroll-x">
          <table class="stack">
            <thead>
              <tr>
                <th>Stage</th>
                <th>Run</th>
                <th>Why it waits</th>
                <th>Needs</th>
                <th>Role</th>
                <th>Since</th>
              </tr>
            </thead>
            <tbody>
              {queue.map((one) => (
                <Waits key={attemptKey(one)} one={one} />
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </Section>
  );
}

function Waits({ one }: { one: QueuedAttempt }) {
  return (
    <tr data-run={one.run_name} data-stage={one.stage} data-attempt={one.attempt} data-status="queued">
      <td class="name">
        <a class="clip" href={runPlace(one.run_name, { stage: one.stage })}>
          {one.stage}
        </a>
        {one.attempt > 1 ? <span class="soft small"> attempt {one.attempt}</span> : null}
      </td>
      <td>
        <a class="soft" href={runPlace(one.run_name)}>
          {one.run_name}
        </a>
      </td>
      <td class="wrap">
        <Glyph status="queued" /> <Words text={one.why} />
      </td>
      <td>
        {one.runs_on.length === 0 ? (
          <None />
        ) : (
          one.runs_on.map((label) => (
            <span key={label} class="tag">
              {label}
            </span>
          ))
        )}
      </td>
      <td class="soft">{one.role ?? <None />}</td>
      <td class="soft num">
        <Time at={one.since} />
      </td>
    </tr>
  );
}
