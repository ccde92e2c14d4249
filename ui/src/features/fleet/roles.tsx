/** Where tasks are on their way through the roles. */
import { get } from '../../api/client';
import type { QueuedTask, RoleQueue } from '../../api/types';
import { useLoad } from '../../components/load';
import { Glyph, None, Section, Skeleton, Time, Took, Trouble, Words } from '../../components/parts';
import { runPlace, taskPlace } from '../../components/places';
import { useTopic } from '../../live/use';

export function RoleQueues() {
  const rollout = useTopic('rollout');
  const tasks = useTopic('tasks');
  // Asked anew when the stream says that somebody began or ended, or a task is another one.
  const queues = useLoad(rollout.value ? 'queues' : undefined, () => get('/api/queues'), `${rollout.seq} ${tasks.seq}`);
  if (!rollout.value) return null;
  if (queues.refused) return <Trouble refusal={queues.refused} again={queues.again} />;
  if (!queues.value) return <Skeleton rows={4} />;
  const { orchestration, scheduler, roles, unassigned, blocked, completed } = queues.value;
  return (
    <>
      <p class="soft small">
        Tasks pass {orchestration}, {scheduler === 'fifo' ? 'who has waited longest first' : 'the highest priority first'}. <a href="/settings/rollout">Switch</a>
      </p>
      {(roles as unknown as RoleQueue[]).map((one) => (
        <Role key={one.role} of={one} />
      ))}
      <Tasks title="Unassigned" tasks={unassigned} empty="No task is ready to be started." />
      <Tasks title="Blocked" tasks={blocked} empty="No task waits for another one." />
      <Tasks title="Completed" tasks={completed} empty="No task is done yet." />
    </>
  );
}

function Role({ of: { role, limit, working, waiting } }: { of: RoleQueue }) {
  return (
    <Section title={role} aside={<span class="soft small num">{limit ? `${working.length} of ${limit} at once` : `${working.length} at work`}</span>}>
      {working.length + waiting.length === 0 ? <p class="empty small">Nobody works and nobody waits.</p> : null}
      <ul class="rows" data-role={role}>
        {working.map((one) => (
          <li key={`${one.run} ${one.stage}`} data-run={one.run_name} data-status="running">
            <Glyph status="running" still />
            <a class="grow" href={runPlace(one.run_name, one.stage ? { stage: one.stage } : {})}>
              {one.task ?? one.run_name} <span class="soft">{one.stage}</span>
            </a>
            <span class="soft">
              <Took from={one.since} to={undefined} />
            </span>
          </li>
        ))}
        {waiting.map((one) => (
          <li key={`${one.run} ${one.stage}`} data-run={one.run_name} data-status="queued">
            <Glyph status="queued" />
            <a href={runPlace(one.run_name, { stage: one.stage })}>
              {one.task ?? one.run_name} <span class="soft">{one.stage}</span>
            </a>
            <span class="grow soft two-lines">
              <Words text={one.because} />
            </span>
            <span class="soft small">
              <Time at={one.since} />
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Tasks({ title, tasks, empty }: { title: string; tasks: readonly QueuedTask[]; empty: string }) {
  return (
    <Section title={title} count={tasks.length || undefined}>
      {tasks.length === 0 ? (
        <p class="empty small">{empty}</p>
      ) : (
        <div class="scroll-x">
          <table class="stack">
            <thead>
              <tr>
                <th>Task</th>
                <th>Title</th>
                <th>Waits for</th>
                <th>Run</th>
                <th class="right">Priority</th>
                <th>Since</th>
              </tr>
            </thead>
            <tbody>
              {tasks.map((one) => (
                <tr key={`${one.task} ${one.run_name ?? ''}`} data-task={one.task}>
                  <td class="name">
                    <a href={taskPlace(one.task)}>{one.task}</a>
                  </td>
                  <td class="wrap">{one.title}</td>
                  <td class="soft wrap">{one.because.length > 0 ? <Words text={one.because.join('; ')} /> : <None />}</td>
                  <td>{one.run_name ? <a href={runPlace(one.run_name)}>{one.run_name}</a> : <None />}</td>
                  <td class="right num soft wide-only">{one.priority}</td>
                  <td class="soft num">
                    <Time at={one.since} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}
