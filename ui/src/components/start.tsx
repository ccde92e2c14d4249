/** Starts a run of a pipeline: by a form of its inputs, which are asked for when it is opened. */
import { useRef, useState } from 'preact/hooks';
import { get, post, refusal, type Refusal } from '../api/client';
import { Dialog } from './dialog';
import { ofInput, readAll, shown } from './fields';
import { Fields, focusFirst } from './form';
import { useLoad } from './load';
import { ModeChoice } from './mode';
import { navigate } from './location';
import { Button, Skeleton, Trouble } from './parts';
import { runPlace } from './places';

/** `inputs.goal` is about the field `goal`. */
function ofFields(refused: Refusal): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { field, problem } of refused.problem.fields ?? []) found[field.replace(/^inputs\./, '')] = problem;
  return found;
}

export function StartDialog({ pipeline, close }: { pipeline: string; close: () => void }) {
  const detail = useLoad(pipeline, () => get('/api/pipelines/{name}', { path: { name: pipeline } }));
  const [typed, setTyped] = useState<Record<string, string | boolean>>({});
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [refused, setRefused] = useState<Refusal | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [mode, setMode] = useState<string | undefined>(undefined);
  const form = useRef<HTMLFormElement>(null);
  const fields = (detail.value?.inputs ?? []).map(ofInput);
  const all = Object.fromEntries(fields.map((field) => [field.name, typed[field.name] ?? shown(field, field.initial)]));
  const start = async (event: Event) => {
    event.preventDefault();
    const filled = readAll(fields, all);
    setProblems(filled.problems);
    if (Object.keys(filled.problems).length > 0) {
      focusFirst(form.current, filled.problems);
      return;
    }
    setBusy(true);
    try {
      const run = await post('/api/pipelines/{name}/run', { path: { name: pipeline }, body: { inputs: filled.values as never, ...(mode === undefined ? {} : { mode }) } });
      close();
      if ('name' in run) navigate(runPlace(run.name));
    } catch (error) {
      const said = refusal(error);
      const wrong = ofFields(said);
      setProblems(wrong);
      setRefused(said);
      focusFirst(form.current, wrong);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Run ${pipeline}`} close={close}>
      {detail.refused ? <Trouble refusal={detail.refused} again={detail.again} /> : null}
      {detail.value ? (
        <form ref={form} onSubmit={(event) => void start(event)} noValidate class="fields">
          {fields.length === 0 ? <p class="soft">It takes no inputs.</p> : null}
          <Fields
            fields={fields}
            typed={all}
            problems={problems}
            change={(name, value) => {
              setTyped({ ...typed, [name]: value });
              const { [name]: _gone, ...rest } = problems;
              setProblems(rest);
            }}
          />
          <ModeChoice mode={mode} choose={setMode} />
          {refused ? <Trouble refusal={refused} /> : null}
          <div class="dialog-actions">
            <Button act={close}>Close</Button>
            <Button type="submit" kind="primary" busy={busy}>
              Start run
            </Button>
          </div>
        </form>
      ) : detail.refused ? null : (
        <Skeleton rows={2} />
      )}
    </Dialog>
  );
}
