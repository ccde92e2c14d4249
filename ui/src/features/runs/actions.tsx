/** What can be done with a run as a whole; every refusal says why. */
import { useState } from 'preact/hooks';
import { get, post } from '../../api/client';
import type { RunDetail } from '../../api/types';
import { useActions } from '../../components/actions';
import { Dialog } from '../../components/dialog';
import { useLoad } from '../../components/load';
import { Button, Skeleton, Trouble } from '../../components/parts';
import { attempt } from '../../components/toast';
import { missing } from '../../components/who';
import { ExtendDialog } from './extend';
import { actionsOf, rollbackTargets, type Action } from './model';

const RIGHTS: Record<Action, string> = { pause: 'run', resume: 'run', cancel: 'run', retry: 'run', start: 'run', extend: 'run', rollback: 'maintain' };

export function RunActions({ run, reference }: { run: RunDetail; reference: string }) {
  const [open, setOpen] = useState<'cancel' | 'rollback' | 'extend' | undefined>(undefined);
  const path = { run: reference };
  const does: Record<Action, { label: string; act: () => unknown }> = {
    start: { label: 'Start', act: () => attempt(() => post('/api/runs/{run}/start', { path })) },
    pause: { label: 'Pause', act: () => attempt(() => post('/api/runs/{run}/pause', { path, body: {} })) },
    resume: { label: 'Resume', act: () => attempt(() => post('/api/runs/{run}/resume', { path })) },
    cancel: { label: 'Cancel run', act: () => setOpen('cancel') },
    retry: { label: 'Retry', act: () => attempt(() => post('/api/runs/{run}/retry', { path, body: {} })) },
    extend: { label: 'Extend', act: () => setOpen('extend') },
    rollback: { label: 'Roll back', act: () => setOpen('rollback') },
  };
  const actions = actionsOf(run).map(({ action, why }) => ({ action, why: missing(RIGHTS[action]) ?? why }));
  useActions(actions.map(({ action, why }) => ({ label: `${does[action].label}: ${run.name}`, act: does[action].act, why })));
  return (
    <span class="actions" data-actions>
      {actions.map(({ action, why }) => (
        <Button key={action} act={does[action].act} why={why} kind={action === 'cancel' ? 'danger' : 'plain'}>
          {does[action].label}
        </Button>
      ))}
      {open === 'cancel' ? <CancelDialog run={run} reference={reference} close={() => setOpen(undefined)} /> : null}
      {open === 'extend' ? <ExtendDialog run={run} reference={reference} close={() => setOpen(undefined)} /> : null}
      {open === 'rollback' ? <RollbackDialog run={run} reference={reference} close={() => setOpen(undefined)} /> : null}
    </span>
  );
}

function CancelDialog({ run, reference, close }: { run: RunDetail; reference: string; close: () => void }) {
  const [reason, setReason] = useState('');
  const cancel = async () => {
    if (await attempt(() => post('/api/runs/{run}/cancel', { path: { run: reference }, body: { reason } }))) close();
  };
  return (
    <Dialog title={`Cancel ${run.name}?`} close={close}>
      <p>{run.progress.running > 0 ? `${run.progress.running} running stages are stopped. ` : ''}What has succeeded stays; it can be retried later.</p>
      <label class="field">
        <span class="label">Reason</span>
        <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} placeholder="for the others, and the audit" />
      </label>
      <div class="dialog-actions">
        <Button act={close}>Keep it running</Button>
        <Button kind="danger" act={cancel}>
          Cancel the run
        </Button>
      </div>
    </Dialog>
  );
}

function RollbackDialog({ run, reference, close }: { run: RunDetail; reference: string; close: () => void }) {
  const targets = rollbackTargets(run);
  const [to, setTo] = useState(targets.at(-1) ?? '');
  const [reason, setReason] = useState('');
  const impact = useLoad(`${reference}/${to}`, () => get('/api/runs/{run}/rollback', { path: { run: reference }, query: { to } }));
  const refused = impact.value?.refused || undefined;
  const back = async () => {
    const ok = await attempt(() => post('/api/runs/{run}/rollback', { path: { run: reference }, body: { to, reason } }), 'The rollback has begun.');
    if (ok) close();
  };
  return (
    <Dialog title={`Roll back ${run.name}`} close={close}>
      <label class="field">
        <span class="label">Back to the state after</span>
        <select value={to} onChange={(event) => setTo(event.currentTarget.value)}>
          {targets.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {impact.refused ? <Trouble refusal={impact.refused} /> : null}
      {impact.value ? (
        <div>
          {impact.value.steps.length === 0 ? <p class="soft">Nothing is undone.</p> : null}
          <ul class="rows">
            {impact.value.steps.map((step) => (
              <li key={step.stage}>
                <strong>{step.stage}</strong>
                <span class="grow soft">{step.what}</span>
                {step.artifacts > 0 ? <span class="soft small">{step.artifacts} artifacts</span> : null}
              </li>
            ))}
          </ul>
          {impact.value.archive ? <p class="soft small">What was made is kept in {impact.value.archive}.</p> : null}
          {refused ? <p class="failed">{refused}</p> : null}
        </div>
      ) : impact.refused ? null : (
        <Skeleton rows={2} />
      )}
      <label class="field">
        <span class="label">Reason</span>
        <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      <div class="dialog-actions">
        <Button act={close}>Close</Button>
        <Button kind="danger" act={back} why={refused}>
          Roll back to {to}
        </Button>
      </div>
    </Dialog>
  );
}
