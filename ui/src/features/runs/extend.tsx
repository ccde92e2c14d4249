/** A new run of the pipeline as it is now, that goes on from what this one gave. */
import { useRef, useState } from 'preact/hooks';
import { get, post, refusal, type Refusal } from '../../api/client';
import type { RunDetail } from '../../api/types';
import { Dialog } from '../../components/dialog';
import { ofInput, readAll, shown } from '../../components/fields';
import { Fields, focusFirst } from '../../components/form';
import { useLoad } from '../../components/load';
import { navigate } from '../../components/location';
import { Button, Skeleton, Trouble } from '../../components/parts';
import { runPlace } from '../../components/places';

export function ExtendDialog({ run, reference, close }: { run: RunDetail; reference: string; close: () => void }) {
  const detail = useLoad(run.pipeline, () => get('/api/pipelines/{name}', { path: { name: run.pipeline } }));
  const [typed, setTyped] = useState<Record<string, string | boolean>>({});
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [refused, setRefused] = useState<Refusal | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const fields = (detail.value?.inputs ?? []).map(ofInput);
  const all = Object.fromEntries(fields.map((field) => [field.name, typed[field.name] ?? shown(field, run.inputs[field.name] ?? field.initial)]));
  const go = async (event: Event) => {
    event.preventDefault();
    const filled = readAll(fields, all);
    setProblems(filled.problems);
    if (Object.keys(filled.problems).length > 0) {
      focusFirst(form.current, filled.problems);
      return;
    }
    // What was not touched is taken from the run by the server.
    const inputs = Object.fromEntries(Object.entries(filled.values).filter(([name]) => name in typed));
    setBusy(true);
    try {
      const next = await post('/api/runs/{run}/extend', { path: { run: reference }, body: { inputs: inputs as never } });
      close();
      navigate(runPlace(next.name));
    } catch (error) {
      setRefused(refusal(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Extend ${run.name}`} close={close}>
      <p>
        A new run begins, of the pipeline as it is now{detail.value && detail.value.revision !== run.revision ? ` (r${detail.value.revision}; this one is r${run.revision})` : ''}. What {run.name} gave stays, and the new run has it at hand.
      </p>
      {detail.refused ? <Trouble refusal={detail.refused} again={detail.again} /> : null}
      {detail.value ? (
        <form ref={form} class="fields" noValidate onSubmit={(event) => void go(event)}>
          <Fields fields={fields} typed={all} problems={problems} change={(name, value) => setTyped({ ...typed, [name]: value })} />
          {refused ? <Trouble refusal={refused} /> : null}
          <div class="dialog-actions">
            <Button act={close}>Close</Button>
            <Button type="submit" kind="primary" busy={busy}>
              Start the next run
            </Button>
          </div>
        </form>
      ) : detail.refused ? null : (
        <Skeleton rows={2} />
      )}
    </Dialog>
  );
}
