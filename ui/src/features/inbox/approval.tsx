/** An approval: first what one agrees to, then who has agreed, then the decision. */
import { useEffect } from 'preact/hooks';
import { get } from '../../api/client';
import type { ApprovalDetail } from '../../api/types';
import { useLoad } from '../../components/load';
import { Markdown } from '../../components/markdown';
import { markUseful } from '../../components/marks';
import { useNow } from '../../components/now';
import { Glyph, PageHead, Section, Skeleton, Status, Time, Trouble } from '../../components/parts';
import { runPlace } from '../../components/places';
import { age } from '../../components/text';
import { useTopic } from '../../live/use';
import { Decide } from './decide';
import { seatsOf } from './model';
import { Proof } from './proof';

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
            {gate.sent_back ? (
              <span title={gate.sent_back.feedback}>
                revision {gate.sent_back.revision} of {gate.sent_back.max_revisions}
              </span>
            ) : null}
            {open ? <Deadline gate={gate} /> : null}
            {open || !gate.reason ? null : (
              <span class="wrap">
                {gate.status === 'timed_out' ? 'automatically: ' : ''}
                {gate.reason}
              </span>
            )}
            {gate.environment ? <span>environment {gate.environment}</span> : null}
            <a href={runPlace(gate.run_name, { stage: gate.stage })}>Open the run</a>
          </div>
        }
      />
      <div class="two">
        <div>
          {gate.question ? (
            <Section title="Question">
              <p class="asked wrap">{gate.question}</p>
            </Section>
          ) : null}
          {gate.instructions ? (
            <Section title="Instructions">
              <div class="empty small" style={{ color: 'inherit' }}>
                <Markdown text={gate.instructions} />
              </div>
            </Section>
          ) : null}
          {gate.sent_back?.feedback ? (
            <Section title="Was asked for">
              <p class="asked wrap">{gate.sent_back.feedback}</p>
            </Section>
          ) : null}
          <Proof gate={gate} />
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

const VERBS = { approve: 'approved', reject: 'rejected', request_changes: 'requested changes' } as const;

function History({ gate }: { gate: ApprovalDetail }) {
  if (gate.votes.length === 0 && gate.delegations.length === 0) return null;
  const said = [
    ...gate.votes.map((vote) => ({ at: vote.at, text: `${vote.by} ${gate.kind === 'question' && vote.decision === 'approve' ? 'answered' : VERBS[vote.decision]}${vote.comment ? `: "${vote.comment}"` : ''}${vote.replaced ? ' (replaced)' : ''}` })),
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
