/** An approval: first what one agrees to, then who has agreed, then the decision. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, post, refusal, type Refusal } from '../../api/client';
import type { ApprovalDetail } from '../../api/types';
import { Dialog } from '../../components/dialog';
import { useLoad } from '../../components/load';
import { Markdown } from '../../components/markdown';
import { markUseful } from '../../components/marks';
import { useNow } from '../../components/now';
import { Button, Glyph, PageHead, Section, Skeleton, Status, Time, Trouble } from '../../components/parts';
import { runPlace } from '../../components/places';
import { Preview } from '../../components/preview';
import { age, bytes } from '../../components/text';
import { tell } from '../../components/toast';
import { missing, who } from '../../components/who';
import { useTopic } from '../../live/use';
import { evidenceOf, refusalOf, seatsOf } from './model';

export function Approval({ id }: { id: string }) {
  const live = useTopic('inbox');
  const gate = useLoad(id, () => get('/api/approvals/{id}', { path: { id } }), live.seq);
  useEffect(() => {
    if (gate.value) markUseful();
  }, [gate.value !== undefined]);
  if (gate.refused && !gate.value) return <Trouble refusal={gate.refused} again={gate.again} />;
  if (!gate.value) return <Skeleton rows={8} />;
  return <Page gate={gate.value} set={gate.set} again={gate.again} />;
}

const KINDS: Record<ApprovalDetail['kind'], string> = {
  start: 'before it starts',
  complete: 'before its result counts',
  trigger: 'before it starts by a trigger',
  permission: 'an agent asks for permission while it works',
  question: 'an agent asks while it works',
};

function Page({ gate, set, again }: { gate: ApprovalDetail; set: (gate: ApprovalDetail) => void; again: () => void }) {
  const open = gate.status === 'pending';
  return (
    <div data-id={gate.id} data-run={gate.run_name} data-stage={gate.stage} data-status={gate.status}>
      <PageHead
        title={
          <>
            {gate.stage} <span class="soft">{gate.run_name}</span>
          </>
        }
        below={
          <div class="run-facts">
            <Status status={open ? 'waiting_approval' : gate.status} />
            <span>
              {KINDS[gate.kind]}
            </span>
            <span>
              asked <Time at={gate.opened_at} />
            </span>
            {open ? <Deadline gate={gate} /> : null}
            {gate.environment ? <span>environment {gate.environment}</span> : null}
            <a href={runPlace(gate.run_name, { stage: gate.stage })}>Open the run</a>
          </div>
        }
      />
      <div class="two">
        <div>
          {gate.instructions ? (
            <Section title="Instructions">
              <div class="empty small" style={{ color: 'inherit' }}>
                <Markdown text={gate.instructions} />
              </div>
            </Section>
          ) : null}
          <EvidenceParts gate={gate} />
        </div>
        <div>
          <Seats gate={gate} />
          {open ? <Decide gate={gate} set={set} again={again} /> : null}
          <History gate={gate} />
        </div>
      </div>
    </div>
  );
}

function Deadline({ gate }: { gate: ApprovalDetail }) {
  const now = useNow();
  if (!gate.due_at) return <span>no deadline</span>;
  const left = Date.parse(gate.due_at) - now;
  return (
    <span class={left < 3_600_000 ? 'attention' : ''}>
      {left > 0 ? `${age(left)} left` : 'due'}, then {gate.on_timeout || 'nothing'}
    </span>
  );
}

function EvidenceParts({ gate }: { gate: ApprovalDetail }) {
  const [open, setOpen] = useState<string | undefined>(gate.artifacts.length === 1 ? gate.artifacts[0]?.id : undefined);
  const evidence = evidenceOf(gate.shown);
  return (
    <Section title="Evidence">
      {gate.artifacts.length > 0 ? (
        <ul class="rows">
          {gate.artifacts.map((one) => (
            <li key={one.id} style={{ flexWrap: 'wrap' }}>
              <button type="button" class="button quiet" aria-expanded={open === one.id} onClick={() => setOpen(open === one.id ? undefined : one.id)}>
                {open === one.id ? '▾' : '▸'} <strong>{one.name}</strong>
              </button>
              <span class="grow soft small">
                from {one.stage}, attempt {one.attempt} · {bytes(one.bytes)} · <code>{one.digest.slice(0, 8)}</code>
              </span>
              <a class="button quiet" href={`/api/artifacts/${one.id}/download`} download>
                Download
              </a>
              {open === one.id ? (
                <div style={{ flexBasis: '100%' }}>
                  <Preview artifact={one} />
                </div>
              ) : null}
            </li>
          ))}
        </ul>
      ) : null}
      {evidence.parts.map(({ label, text }) => (
        <div key={label} class="field" style={{ paddingTop: '12px' }}>
          <span class="label">{label}</span>
          <pre class="code" tabIndex={0} aria-label={label}>
            {text}
          </pre>
        </div>
      ))}
      {evidence.facts.length > 0 ? (
        <dl class="pairs" style={{ paddingTop: '12px' }}>
          {evidence.facts.map(([label, value]) => (
            <>
              <dt>{label}</dt>
              <dd class="wrap">{value}</dd>
            </>
          ))}
        </dl>
      ) : null}
      <p class="soft small" style={{ paddingTop: '8px' }}>
        A decision counts for exactly this: <code>{gate.digest.slice(0, 12)}</code>
      </p>
    </Section>
  );
}

function Seats({ gate }: { gate: ApprovalDetail }) {
  return (
    <Section title="Seats" aside={<span class="soft small num">{`${gate.have} of ${gate.need}`}</span>}>
      <ul class="seats">
        {seatsOf(gate).map((seat, at) => (
          <li key={at}>
            <Glyph status={seat.filledBy ? 'approved' : 'blocked'} />
            <span>
              <strong>{seat.entry || 'anybody'}</strong>{' '}
              {seat.filledBy ? (
                <span class="soft">
                  {seat.filledBy} {seat.at ? <Time at={seat.at} /> : null} {seat.comment ? `"${seat.comment}"` : ''}
                </span>
              ) : (
                <span class="soft">waiting</span>
              )}
            </span>
          </li>
        ))}
      </ul>
      {gate.escalate_to.length > 0 ? <p class="soft small">Later also: {gate.escalate_to.join(', ')}</p> : null}
    </Section>
  );
}

type Ask = 'reject' | 'changes' | 'delegate';

function Decide({ gate, set, again }: { gate: ApprovalDetail; set: (gate: ApprovalDetail) => void; again: () => void }) {
  const [comment, setComment] = useState('');
  const [asking, setAsking] = useState<Ask | undefined>(undefined);
  const [refused, setRefused] = useState<Refusal | undefined>(undefined);
  const box = useRef<HTMLTextAreaElement>(null);
  const path = { id: gate.id };
  const why = missing('decide') ?? refusalOf(gate.you);
  const send = async (work: () => Promise<ApprovalDetail>, said: string): Promise<boolean> => {
    setRefused(undefined);
    try {
      set(await work());
      setComment('');
      tell(said);
      return true;
    } catch (error) {
      setRefused(refusal(error));
      again();
      return false;
    }
  };
  const approve = () => send(() => post('/api/approvals/{id}/approve', { path, body: { comment, digest: gate.digest } }), `Approved by ${who.value?.name ?? 'you'}.`);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      const typing = (event.target as Element | null)?.closest?.('input, textarea, select, dialog');
      if (typing || event.ctrlKey || event.metaKey || event.altKey || why) return;
      if (event.key === 'a') {
        event.preventDefault();
        box.current?.focus();
      } else if (event.key === 'r') setAsking('changes');
      else if (event.key === 'x') setAsking('reject');
      else if (event.key === 'd') setAsking('delegate');
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, [why]);
  return (
    <Section title="Your decision">
      <div class="fields" style={{ paddingTop: '10px' }}>
        <p class="soft small">You: {gate.you || 'may decide'}</p>
        <label class="field">
          <span class="label">Comment</span>
          <textarea ref={box} rows={3} value={comment} onInput={(event) => setComment(event.currentTarget.value)} />
        </label>
        {refused ? <Trouble refusal={refused} /> : null}
        <div class="decide">
          <Button kind="primary" act={approve} why={why}>
            Approve
          </Button>
          <Button act={() => setAsking('changes')} why={why}>
            Request changes
          </Button>
          <Button act={() => setAsking('delegate')} why={why}>
            Delegate
          </Button>
          <Button kind="danger" act={() => setAsking('reject')} why={why}>
            Reject
          </Button>
        </div>
      </div>
      {asking ? <AskDialog gate={gate} ask={asking} first={comment} close={() => setAsking(undefined)} send={send} /> : null}
    </Section>
  );
}

const WORDS = {
  reject: { title: 'Reject', label: 'Reason', button: 'Reject', hint: 'The run sees it, and so does everybody who asks later.' },
  changes: { title: 'Request changes', label: 'What should change', button: 'Request changes', hint: 'The stage runs again with these words.' },
  delegate: { title: 'Delegate', label: 'To whom', button: 'Delegate', hint: 'A user or a group: they get your seat, and you no longer have it.' },
} as const;

function AskDialog({
  gate,
  ask,
  first,
  close,
  send,
}: {
  gate: ApprovalDetail;
  ask: Ask;
  first: string;
  close: () => void;
  send: (work: () => Promise<ApprovalDetail>, said: string) => Promise<boolean>;
}) {
  const [text, setText] = useState(ask === 'delegate' ? '' : first);
  const [problem, setProblem] = useState('');
  const path = { id: gate.id };
  const words = WORDS[ask];
  const go = async (event: Event) => {
    event.preventDefault();
    if (text.trim() === '') {
      setProblem(ask === 'delegate' ? 'somebody has to be named' : 'a reason is needed');
      return;
    }
    const work = {
      reject: () => post('/api/approvals/{id}/reject', { path, body: { reason: text, digest: gate.digest } }),
      changes: () => post('/api/approvals/{id}/request-changes', { path, body: { feedback: text, digest: gate.digest } }),
      delegate: () => post('/api/approvals/{id}/delegate', { path, body: { to: text.trim() } }),
    }[ask];
    await send(work, { reject: 'Rejected.', changes: 'Changes are requested.', delegate: `Delegated to ${text.trim()}.` }[ask]);
    close();
  };
  return (
    <Dialog title={`${words.title}: ${gate.stage}`} close={close}>
      <form class="fields" onSubmit={(event) => void go(event)} noValidate>
        <div class="field">
          <label for="ask">{words.label}</label>
          {ask === 'delegate' ? (
            <input id="ask" autoFocus value={text} aria-invalid={problem ? 'true' : undefined} onInput={(event) => setText(event.currentTarget.value)} />
          ) : (
            <textarea id="ask" autoFocus rows={4} value={text} aria-invalid={problem ? 'true' : undefined} onInput={(event) => setText(event.currentTarget.value)} />
          )}
          {problem ? <p class="problem">{problem}</p> : null}
          <p class="soft small">{words.hint}</p>
        </div>
        <div class="dialog-actions">
          <Button act={close}>Close</Button>
          <Button type="submit" kind={ask === 'reject' ? 'danger' : 'primary'}>
            {words.button}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

const VERBS = { approve: 'approved', reject: 'rejected', request_changes: 'requested changes' } as const;

function History({ gate }: { gate: ApprovalDetail }) {
  if (gate.votes.length === 0 && gate.delegations.length === 0) return null;
  const said = [
    ...gate.votes.map((vote) => ({ at: vote.at, text: `${vote.by} ${VERBS[vote.decision]}${vote.comment ? `: "${vote.comment}"` : ''}${vote.replaced ? ' (replaced)' : ''}` })),
    ...gate.delegations.map((one) => ({ at: one.at, text: `${one.from} delegated to ${one.to}${one.revoked_at ? ' (taken back)' : ''}` })),
  ].sort((a, b) => a.at.localeCompare(b.at));
  return (
    <Section title="History">
      <ul class="rows">
        {said.map((one) => (
          <li key={one.at + one.text}>
            <span class="grow" style={{ whiteSpace: 'normal' }}>
              {one.text}
            </span>
            <span class="soft small">
              <Time at={one.at} />
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
