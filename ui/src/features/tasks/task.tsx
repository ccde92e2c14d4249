/** `/tasks/:task`: one task, and the run that was chosen of its runs: the last one by default. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { get, post } from '../../api/client';
import type { RunSummary, TaskView } from '../../api/types';
import { useLoad } from '../../components/load';
import { query, setQuery } from '../../components/location';
import { Markdown } from '../../components/markdown';
import { markUseful } from '../../components/marks';
import { Button, Empty, Glyph, PageHead, Section, Skeleton, Tabs, Trouble } from '../../components/parts';
import { taskPlace, type Matched } from '../../components/places';
import { RunTable } from '../../components/runtable';
import { attempt } from '../../components/toast';
import { missing } from '../../components/who';
import { useTopic } from '../../live/use';
import { TaskDialog } from './edit';
import { shortName, startButton, stopRefusal, taskGlyph } from './model';

interface Props {
  params: Matched;
  /** Shows one run: given by whoever puts the pages together. */
  showRun: (name: string) => ComponentChildren;
}

export function Task({ params, showRun }: Props) {
  const id = params['task'] ?? '';
  const live = useTopic('tasks');
  const told = live.value?.tasks.find((one) => one.id === id);
  const asked = useLoad(id, () => get('/api/tasks/{id}', { path: { id } }), told?.version);
  const task = told ?? asked.value;
  const changed = `${task?.version ?? 0} ${task?.active.join() ?? ''} ${task?.last_run?.name ?? ''} ${task?.last_run?.status ?? ''}`;
  const runs = useLoad(id, () => get('/api/tasks/{id}/runs', { path: { id }, query: { limit: 200 } }), changed);
  useEffect(() => {
    if (task) markUseful();
  }, [task !== undefined]);
  if (!task) return asked.refused ? <Trouble refusal={asked.refused} again={asked.again} /> : <Skeleton rows={8} />;
  return <TaskPage task={task} runs={runs.value?.data} showRun={showRun} />;
}

const TABS = ['run', 'runs', 'details'] as const;
const LABELS = { run: 'Run', runs: 'Runs', details: 'Details' } as const;

function TaskPage({ task, runs, showRun }: { task: TaskView; runs: RunSummary[] | undefined; showRun: (name: string) => ComponentChildren }) {
  const [editing, setEditing] = useState(false);
  const sorted = [...(runs ?? [])].sort((a, b) => b.created_at.localeCompare(a.created_at));
  const number = query.value.get('run');
  const chosen = sorted.find((run) => run.name === `${task.id}-${number}`) ?? sorted[0];
  const tab = TABS.find((one) => one === query.value.get('show')) ?? 'run';
  const path = { id: task.id };
  const right = missing('run');
  const start = () => attempt(() => post('/api/tasks/{id}/start', { path, body: {} }).then(() => setQuery({ run: undefined, stage: undefined, attempt: undefined })));
  const stop = () => attempt(() => post('/api/tasks/{id}/stop', { path, body: {} }));
  const active = task.active.length;
  return (
    <div data-task={task.id} data-status={task.status.derived}>
      <PageHead
        title={
          <>
            <span class="soft">{task.id}</span> {task.title}
          </>
        }
        below={
          <>
            <div class="run-facts">
              <span class="status">
                <Glyph status={taskGlyph(task)} /> {task.status.says}
              </span>
              {active > 1 ? <span class="attention">{active} runs are active: {task.active.join(', ')}</span> : null}
              {task.prerequisites.length > 0 ? (
                <span>
                  after{' '}
                  {task.prerequisites.map((one) => (
                    <a key={one} href={taskPlace(one)}>
                      {one}{' '}
                    </a>
                  ))}
                </span>
              ) : null}
              {task.paths.length > 0 ? <span>changes {task.paths.join(', ')}</span> : null}
            </div>
            <Tabs label="Task" chosen={tab} items={TABS.map((id) => ({ id, label: LABELS[id], count: id === 'runs' ? sorted.length : undefined, href: `${taskPlace(task.id)}?show=${id}` }))} />
          </>
        }
      >
        {sorted.length > 0 ? (
          <select
            aria-label="Run"
            value={chosen?.name ?? ''}
            onChange={(event) => setQuery({ run: event.currentTarget.value.slice(task.id.length + 1), stage: undefined, attempt: undefined, show: undefined }, { push: true })}
          >
            {sorted.map((run, at) => (
              <option key={run.id} value={run.name}>
                {shortName(run)} {run.status}
                {at === 0 ? ' (last)' : ''}
              </option>
            ))}
          </select>
        ) : null}
        <Button kind="primary" act={start} why={right ?? startButton(task)}>
          Start new run
        </Button>
        <Button kind="danger" act={stop} why={right ?? stopRefusal(task)}>
          Stop
        </Button>
        <Button act={() => setEditing(true)} why={right}>
          Edit
        </Button>
      </PageHead>
      {tab === 'run' ? (
        chosen ? (
          showRun(chosen.name)
        ) : runs === undefined ? (
          <Skeleton rows={6} />
        ) : (
          <Empty command={`orchestrate task start ${task.id}`}>{startButton(task) ?? 'It has not run yet.'}</Empty>
        )
      ) : null}
      {tab === 'runs' ? sorted.length === 0 ? <Empty>It has not run yet.</Empty> : <RunTable runs={sorted} /> : null}
      {tab === 'details' ? <Details task={task} /> : null}
      {editing ? <TaskDialog task={task} close={() => setEditing(false)} /> : null}
    </div>
  );
}

function Details({ task }: { task: TaskView }) {
  return (
    <>
      {task.description ? (
        <Section title="Description">
          <div style={{ paddingTop: '10px' }}>
            <Markdown text={task.description} />
          </div>
        </Section>
      ) : null}
      <Section title="What it is">
        <dl class="pairs" style={{ paddingTop: '10px' }}>
          <dt>Pipeline</dt>
          <dd>{task.pipeline ?? '-'}</dd>
          <dt>Labels</dt>
          <dd>{task.labels.join(', ') || '-'}</dd>
          <dt>Needs</dt>
          <dd>{task.prerequisites.join(', ') || '-'}</dd>
          <dt>When one is active</dt>
          <dd>a start by others will {task.on_active}</dd>
          <dt>Made by</dt>
          <dd>{task.created_by}</dd>
          <dt>Inputs</dt>
          <dd>
            <pre class="wrap">{JSON.stringify(task.inputs, null, 2)}</pre>
          </dd>
        </dl>
      </Section>
    </>
  );
}
