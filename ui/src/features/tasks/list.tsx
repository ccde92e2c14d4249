/** `/tasks`: as a list, or as a board. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { patch, post } from '../../api/client';
import type { TaskView } from '../../api/types';
import { fits, parseFilter } from '../../components/filter';
import { query, setQuery } from '../../components/location';
import { markUseful } from '../../components/marks';
import { ModeTag } from '../../components/mode';
import { Button, Empty, Glyph, None, PageHead, Skeleton, Time } from '../../components/parts';
import { runPlace, taskPlace } from '../../components/places';
import { SearchLine } from '../../components/searchline';
import { runStatus } from '../../components/status';
import { attempt, tell } from '../../components/toast';
import { missing } from '../../components/who';
import { useTopic } from '../../live/use';
import { NewTask } from './edit';
import { board, columnOf, COLUMNS, move, taskGlyph, TITLES, type Column } from './model';

export function Tasks() {
  const live = useTopic('tasks').value;
  const view = query.value.get('view') === 'list' ? 'list' : 'board';
  const text = query.value.get('q') ?? '';
  const filter = useMemo(() => parseFilter(text), [text]);
  const [making, setMaking] = useState(false);
  useEffect(() => {
    if (live) markUseful();
  }, [live !== undefined]);
  const tasks = (live?.tasks ?? []).filter((task) =>
    fits(filter, { id: task.id, title: task.title, status: task.status.derived, label: task.labels.join(' '), pipeline: task.pipeline ?? '' }),
  );
  return (
    <>
      <PageHead title="Tasks">
        <Button kind="primary" act={() => setMaking(true)} why={missing('run')}>
          New task
        </Button>
      </PageHead>
      <div class="filter">
        <SearchLine label="Filter tasks" hint="Filter: status:failed words" />
        <div class="segments" role="group" aria-label="View">
          {(['board', 'list'] as const).map((one) => (
            <button type="button" key={one} aria-pressed={view === one} onClick={() => setQuery({ view: one })}>
              {one === 'board' ? 'Board' : 'List'}
            </button>
          ))}
        </div>
      </div>
      {live === undefined ? (
        <Skeleton rows={8} />
      ) : live.tasks.length === 0 ? (
        <Empty command='orchestrate task add "Add dark mode" --pipeline feature'>No tasks yet.</Empty>
      ) : tasks.length === 0 ? (
        <Empty action={<Button act={() => setQuery({ q: undefined })}>Clear</Button>}>
          No task fits the filter <code>{text}</code>.
        </Empty>
      ) : view === 'list' ? (
        <List tasks={tasks} />
      ) : (
        <Board tasks={tasks} />
      )}
      {making ? <NewTask close={() => setMaking(false)} /> : null}
    </>
  );
}

function List({ tasks }: { tasks: readonly TaskView[] }) {
  return (
    <div class="scroll-x">
      <table class="stack">
        <thead>
          <tr>
            <th>Task</th>
            <th>Title</th>
            <th>Status</th>
            <th>Last run</th>
            <th>Changed</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <tr key={task.id} data-task={task.id} data-status={task.status.derived}>
              <td class="name">
                <a href={taskPlace(task.id)}>{task.id}</a>
              </td>
              <td class="wrap">{task.title}</td>
              <td class="wrap">
                <Glyph status={taskGlyph(task)} /> {task.status.says}
              </td>
              <td>{task.last_run ? <><a href={runPlace(task.last_run.name)}>{task.last_run.name}</a> <ModeTag mode={task.last_run.mode} /></> : <None />}</td>
              <td class="soft num">
                <Time at={task.updated_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

async function go(task: TaskView, to: Column): Promise<void> {
  const meant = move(task, to);
  const path = { id: task.id };
  if (meant.kind === 'refused') {
    if (meant.why) tell(meant.why);
  } else if (meant.kind === 'start') await attempt(() => post('/api/tasks/{id}/start', { path, body: {} }), `${task.id} is started.`);
  else await attempt(() => patch('/api/tasks/{id}', { path, body: { status: meant.status }, ifMatch: `"${task.version}"` }));
}

function Board({ tasks }: { tasks: readonly TaskView[] }) {
  const columns = board(tasks);
  const [over, setOver] = useState<Column | undefined>(undefined);
  const why = missing('run');
  const drop = (event: DragEvent, column: Column) => {
    event.preventDefault();
    setOver(undefined);
    const id = event.dataTransfer?.getData('text/plain');
    const task = tasks.find((one) => one.id === id);
    if (!task) return;
    if (why) tell(why);
    else void go(task, column);
  };
  return (
    <div class="board">
      {COLUMNS.map((column) => (
        <section key={column} aria-label={TITLES[column]} data-column={column}>
          <h2>
            {TITLES[column]}
            <span class="count">{columns[column].length || ''}</span>
          </h2>
          <ul
            class={over === column ? 'over' : ''}
            onDragOver={(event) => {
              event.preventDefault();
              if (over !== column) setOver(column);
            }}
            onDragLeave={() => setOver(undefined)}
            onDrop={(event) => drop(event, column)}
          >
            {columns[column].map((task) => (
              <Card key={task.id} task={task} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Card({ task }: { task: TaskView }) {
  const last = task.last_run;
  return (
    <li
      class="card"
      draggable
      data-task={task.id}
      data-status={task.status.derived}
      onDragStart={(event) => event.dataTransfer?.setData('text/plain', task.id)}
    >
      <span>
        <a href={taskPlace(task.id)}>
          <span class="soft">{task.id}</span> <strong>{task.title}</strong>
        </a>
      </span>
      {last ? (
        <span class="small status">
          <Glyph status={runStatus(last)} size={14} />
          <a class="soft" href={runPlace(last.name)}>
            {last.name}
          </a>
          <ModeTag mode={last.mode} />
          <span class="soft num">
            <Time at={last.finished_at ?? last.started_at ?? last.created_at} />
          </span>
        </span>
      ) : null}
      {task.status.blocked_by.length > 0 ? <span class="small soft">waits for {task.status.blocked_by.join(', ')}</span> : null}
      <span class="card-foot">
        {task.labels.map((label) => (
          <span key={label} class="tag">
            {label}
          </span>
        ))}
        <span class="rest" />
        <select
          class="mover"
          aria-label={`Move ${task.id}`}
          value={columnOf(task)}
          onChange={(event) => {
            const to = event.currentTarget.value as Column;
            event.currentTarget.value = columnOf(task);
            void go(task, to);
          }}
        >
          {COLUMNS.map((column) => (
            <option key={column} value={column}>
              {TITLES[column]}
            </option>
          ))}
        </select>
      </span>
    </li>
  );
}
