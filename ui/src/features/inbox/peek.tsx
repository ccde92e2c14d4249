/** A look at what waits without leaving the list. */
import { get } from '../../api/client';
import { Dialog } from '../../components/dialog';
import { useLoad } from '../../components/load';
import { Skeleton, Trouble } from '../../components/parts';
import { inboxPlace } from '../../components/places';
import { Brief } from './bulk';
import { isForm } from './model';

export function PeekDialog({ id, close }: { id: string; close: () => void }) {
  const gate = useLoad(isForm(id) ? undefined : id, () => get('/api/approvals/{id}', { path: { id } }));
  const form = useLoad(isForm(id) ? id : undefined, () => get('/api/inputs/{id}', { path: { id } }));
  const refused = gate.refused ?? form.refused;
  const known = gate.value ?? form.value;
  return (
    <Dialog title={known ? `${known.stage} of ${known.run_name}` : id} close={close} wide>
      {refused ? <Trouble refusal={refused} /> : null}
      {gate.value ? <Brief gate={gate.value} /> : null}
      {form.value ? (
        <div class="brief">
          {form.value.instructions ? <p class="wrap">{form.value.instructions}</p> : null}
          <p class="soft">It asks for {form.value.fields.map((field) => field.label || field.name).join(', ')}.</p>
        </div>
      ) : null}
      {known || refused ? null : <Skeleton rows={3} />}
      <div class="dialog-actions">
        <a class="button primary" href={inboxPlace(id)}>
          Open
        </a>
      </div>
    </Dialog>
  );
}
