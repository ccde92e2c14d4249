/** Makes a task, or changes one. */
import { useState } from 'preact/hooks';
import { patch, post, refusal, type Refusal } from '../../api/client';
import type { TaskView } from '../../api/types';
import { Dialog } from '../../components/dialog';
import { navigate } from '../../components/location';
import { Button, Trouble } from '../../components/parts';
import { taskPlace } from '../../components/places';
import { useTopic } from '../../live/use';

const list = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

export function NewTask({ close }: { close: () => void }) {
  return <TaskDialog task={undefined} close={close} />;
}

export function TaskDialog({ task, close }: { task: TaskView | undefined; close: () => void }) {
  const pipelines = useTopic('pipelines').value?.pipelines ?? [];
  const [title, setTitle] = useState(task?.title ?? '');
  const [description, setDescription] = useState(task?.description ?? '');
  const [pipeline, setPipeline] = useState(task?.pipeline ?? '');
  const [labels, setLabels] = useState((task?.labels ?? []).join(' '));
  const [needs, setNeeds] = useState((task?.prerequisites ?? []).join(' '));
  const [refused, setRefused] = useState<Refusal | undefined>(undefined);
  const save = async (event: Event) => {
    event.preventDefault();
    const body = { title, description, pipeline: pipeline || (task ? '' : null), labels: list(labels), prerequisites: list(needs) };
    try {
      if (task) await patch('/api/tasks/{id}', { path: { id: task.id }, body, ifMatch: `"${task.version}"` });
      else {
        const made = await post('/api/tasks', { body });
        navigate(taskPlace(made.id));
      }
      close();
    } catch (error) {
      setRefused(refusal(error));
    }
  };
  const field = (label: string, value: string, set: (value: string) => void, hint = '') => (
    <label class="field">
      <span class="label">{label}</span>
      <input value={value} onInput={(event) => set(event.currentTarget.value)} placeholder={hint} />
    </label>
  );
  return (
    <Dialog title={task ? `Change ${task.id}` : 'New task'} close={close}>
      <form class="fields" onSubmit={(event) => void save(event)}>
        {field('Title', title, setTitle)}
        <label class="field">
          <span class="label">Description</span>
          <textarea rows={3} value={description} onInput={(event) => setDescription(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span class="label">Pipeline that does it</span>
          <select value={pipeline} onChange={(event) => setPipeline(event.currentTarget.value)}>
            <option value="">none yet</option>
            {pipelines.map((one) => (
              <option key={one.name} value={one.name}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
        {field('Labels', labels, setLabels, 'words')}
        {field('After these tasks', needs, setNeeds, 'TASK-1 TASK-2')}
        {refused ? <Trouble refusal={refused} /> : null}
        <div class="dialog-actions">
          <Button act={close}>Close</Button>
          <Button type="submit" kind="primary">
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
