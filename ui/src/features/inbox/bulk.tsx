/** Several approvals at once: each is looked at once more, and nothing is sent before one could think again. */
import { useState } from 'preact/hooks';
import { get, post, refusal } from '../../api/client';
import type { ApprovalDetail, ApprovalSummary } from '../../api/types';
import { Dialog } from '../../components/dialog';
import { soon } from '../../components/later';
import { useLoad } from '../../components/load';
import { Button, Skeleton, Trouble } from '../../components/parts';
import { count } from '../../components/text';
import { tell } from '../../components/toast';
import { evidenceOf } from './evidence';

export function BulkDialog({ gates, close, done }: { gates: readonly ApprovalSummary[]; close: () => void; done: () => void }) {
  const ids = gates.map((gate) => gate.id);
  const loaded = useLoad(ids.join(' '), () => Promise.all(ids.map((id) => get('/api/approvals/{id}', { path: { id } }))));
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [comment, setComment] = useState('');
  const chosen = (loaded.value ?? []).filter((gate) => !left.has(gate.id));
  const turn = (id: string) => {
    const next = new Set(left);
    if (!next.delete(id)) next.add(id);
    setLeft(next);
  };
  const go = (event: Event) => {
    event.preventDefault();
    if (chosen.length === 0) return;
    close();
    soon(`${count(chosen.length, 'approval')} in 5 seconds.`, () => sendAll(chosen, comment).then(done));
  };
  return (
    <Dialog title={`Approve ${gates.length}`} close={close} wide>
      <form class="fields" onSubmit={go}>
        {loaded.refused ? <Trouble refusal={loaded.refused} again={loaded.again} /> : null}
        {loaded.value ? (
          <ul class="rows" aria-label="To approve">
            {loaded.value.map((gate) => (
              <li key={gate.id} style={{ flexWrap: 'wrap' }}>
                <label class="check grow">
                  <input type="checkbox" checked={!left.has(gate.id)} onChange={() => turn(gate.id)} />
                  <strong>{gate.stage}</strong> <span class="soft">{gate.run_name}</span>
                </label>
                <span class="soft small">
                  {gate.have} of {gate.need}
                </span>
                <Brief gate={gate} />
              </li>
            ))}
          </ul>
        ) : loaded.refused ? null : (
          <Skeleton rows={gates.length} />
        )}
        <label class="field">
          <span class="label">Comment on each</span>
          <textarea autoFocus rows={2} value={comment} onInput={(event) => setComment(event.currentTarget.value)} />
        </label>
        <div class="dialog-actions">
          <Button act={close}>Close</Button>
          <Button type="submit" kind="primary" why={loaded.value && chosen.length === 0 ? 'Nothing is chosen.' : undefined}>
            Approve {chosen.length}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** As much of the evidence as fits in a list. */
export function Brief({ gate }: { gate: ApprovalDetail }) {
  const { question, parts } = evidenceOf(gate.shown);
  const first = parts.find((part) => part.kind !== 'rows');
  return (
    <div style={{ flexBasis: '100%', minWidth: 0 }} class="brief">
      {question ? <p class="wrap">{question}</p> : null}
      {gate.instructions ? <p class="soft wrap">{gate.instructions}</p> : null}
      {first ? (
        <pre class="code" tabIndex={0} aria-label={`${first.label}: ${gate.stage}`}>
          {first.text}
        </pre>
      ) : null}
      {gate.artifacts.length > 0 ? <p class="soft small">It made {gate.artifacts.map((one) => one.name).join(', ')}.</p> : null}
    </div>
  );
}

/** One after the other: each decision is its own, and one that is refused keeps none of the others. */
async function sendAll(gates: readonly ApprovalDetail[], comment: string): Promise<void> {
  let done = 0;
  for (const gate of gates) {
    try {
      await post('/api/approvals/{id}/approve', { path: { id: gate.id }, body: { comment, digest: gate.digest } });
      done += 1;
    } catch (error) {
      const refused = refusal(error);
      tell(`${gate.stage} of ${gate.run_name}: ${refused.message}`, 'trouble', refused.hints);
    }
  }
  if (done > 0) tell(`Approved ${done}.`);
}
