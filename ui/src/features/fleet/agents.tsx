/** Agents: who is at work, and whom stages can name. */
import { useState } from 'preact/hooks';
import { get, post } from '../../api/client';
import type { AgentSummary, Busy } from '../../api/types';
import { Dialog } from '../../components/dialog';
import { useLoad } from '../../components/load';
import { navigate, query } from '../../components/location';
import { Button, Empty, Glyph, None, Section, Skeleton, Took, Trouble } from '../../components/parts';
import { runPlace, runRef, taskPlace } from '../../components/places';
import { attempt } from '../../components/toast';
import { missing } from '../../components/who';
import { useTopic } from '../../live/use';

export function Agents() {
  const busy = useTopic('rollout').value?.busy;
  const list = useLoad('agents', () => get('/api/agents'));
  const known = new Set((list.value?.data ?? []).map((one) => one.name));
  return (
    <>
      {busy === undefined ? null : (
        <Section title="At work" count={busy.length || undefined}>
          {busy.length === 0 ? <p class="empty small">Nobody is at work.</p> : <AtWork busy={busy} known={known} />}
        </Section>
      )}
      <Section title="Whom stages can name" count={list.value?.data.length}>
        {list.refused ? <Trouble refusal={list.refused} again={list.again} /> : null}
        {list.value ? list.value.data.length === 0 ? <Empty command="orchestrate agent list">No agent is defined.</Empty> : <Defined agents={list.value.data} /> : list.refused ? null : <Skeleton rows={4} />}
      </Section>
    </>
  );
}

function AtWork({ busy, known }: { busy: readonly Busy[]; known: ReadonlySet<string> }) {
  const [stopping, setStopping] = useState<Busy | undefined>(undefined);
  const attach = async ({ run_name: run, stage }: Busy) => {
    const taken = await attempt(() => post('/api/runs/{run}/takeover/{stage}', { path: { run: runRef(run), stage } }));
    if (taken) navigate(runPlace(run, { stage, tab: 'agent' }));
  };
  return (
    <div class="scroll-x">
      <table class="stack">
        <thead>
          <tr>
            <th>Agent</th>
            <th>Stage</th>
            <th>Task</th>
            <th class="right">For</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {busy.map((one) => (
            <tr key={`${one.run} ${one.stage} ${one.who}`} data-run={one.run_name} data-stage={one.stage} data-agent={one.who}>
              <td class="name">
                <a class="clip" href={runPlace(one.run_name, { stage: one.stage || undefined, ...(known.has(one.who) ? { tab: 'agent' } : {}) })}>
                  {one.who}
                </a>
              </td>
              <td>
                <a href={runPlace(one.run_name, { stage: one.stage || undefined })}>
                  {one.stage} <span class="soft">{one.run_name}</span>
                </a>
              </td>
              <td>{one.task ? <a href={taskPlace(one.task)}>{one.task}</a> : <None />}</td>
              <td class="right soft">
                <Took from={one.since} to={undefined} />
              </td>
              <td class="right">
                {known.has(one.who) ? (
                  <Button act={() => attach(one)} why={missing('decide')} title="Takes its work over, and shows how to go on" aria-label={`Attach to ${one.who}`}>
                    Attach
                  </Button>
                ) : null}{' '}
                <Button kind="danger" act={() => setStopping(one)} why={missing('run')} aria-label={`Stop ${one.who}`}>
                  Stop
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {stopping ? <StopDialog one={stopping} close={() => setStopping(undefined)} /> : null}
    </div>
  );
}

function StopDialog({ one, close }: { one: Busy; close: () => void }) {
  const [reason, setReason] = useState('');
  const stop = async () => {
    if (await attempt(() => post('/api/runs/{run}/cancel', { path: { run: runRef(one.run_name) }, body: { reason } }), `${one.run_name} is being cancelled.`)) close();
  };
  return (
    <Dialog title={`Stop ${one.who}?`} close={close}>
      <p>
        Its whole run, {one.run_name}, is cancelled: an agent works for its run. What has succeeded stays; it can be retried later.
      </p>
      <label class="field">
        <span class="label">Reason</span>
        <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} placeholder="for the others, and the audit" />
      </label>
      <div class="dialog-actions">
        <Button act={close}>Keep it at work</Button>
        <Button kind="danger" act={stop}>
          Cancel the run
        </Button>
      </div>
    </Dialog>
  );
}

function Defined({ agents }: { agents: readonly AgentSummary[] }) {
  const chosen = query.value.get('agent');
  return (
    <div class="scroll-x">
      <table class="stack">
        <thead>
          <tr>
            <th>Agent</th>
            <th>What it is for</th>
            <th>Adapter</th>
            <th>Model</th>
            <th>May</th>
            <th>From</th>
          </tr>
        </thead>
        <tbody>
          {agents.map((one) => (
            <tr key={`${one.name} ${one.origin}`} aria-selected={chosen === null ? undefined : one.name === chosen} data-agent={one.name} class={one.hidden ? 'old' : ''}>
              <td class="name">
                <strong class="clip">{one.name}</strong>
              </td>
              <td class="wrap">
                {one.problem ? (
                  <span class="failed">
                    <Glyph status="failed" /> {one.problem}
                  </span>
                ) : (
                  one.description || <span class="soft">-</span>
                )}
              </td>
              <td class="soft">{one.adapter ?? 'default'}</td>
              <td class="soft">{one.model ?? 'default'}</td>
              <td class="soft">{one.tools ? one.tools.join(', ') || 'nothing' : 'everything'}</td>
              <td class="soft">
                {one.origin === 'built-in' ? one.origin.replace('-', '\u2011') : <span class="wrap">{one.origin}</span>}
                {one.hidden ? ', hidden by another one of its name' : ''}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
