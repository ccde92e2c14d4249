/** The decision: words first, then one of what can be done. A refusal of the server stands beside it. */
import { useRef, useState } from 'preact/hooks';
import { post, refusal, type Refusal } from '../../api/client';
import type { ApprovalDetail } from '../../api/types';
import { Dialog } from '../../components/dialog';
import { useShortcut } from '../../components/keys';
import { Button, Section, Trouble } from '../../components/parts';
import { tell } from '../../components/toast';
import { missing, who } from '../../components/who';
import { evidenceOf } from './evidence';
import { refusalOf } from './model';

type Ask = 'reject' | 'changes' | 'delegate';

export function Decide({ gate, set, again }: { gate: ApprovalDetail; set: (gate: ApprovalDetail) => void; again: () => void }) {
  const [comment, setComment] = useState('');
  const [problem, setProblem] = useState('');
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
  const asks = gate.kind === 'question';
  const choices = asks ? evidenceOf(gate.shown).choices : [];
  const answer = (words: string) => send(() => post('/api/approvals/{id}/approve', { path, body: { comment: words, digest: gate.digest } }), 'Answered.');
  const approve = () => {
    if (asks && comment.trim() === '') {
      setProblem('an answer is needed');
      box.current?.focus();
      return undefined;
    }
    return asks ? answer(comment) : agree();
  };
  const agree = () => send(() => post('/api/approvals/{id}/approve', { path, body: { comment, digest: gate.digest } }), `Approved by ${who.value?.name ?? 'you'}.`);
  const works = gate.kind !== 'question' && gate.kind !== 'permission';
  // A key never decides: it opens what asks for words.
  useShortcut('approval.approve', why ? undefined : () => box.current?.focus());
  useShortcut('approval.changes', why || !works ? undefined : () => setAsking('changes'));
  useShortcut('approval.reject', why ? undefined : () => setAsking('reject'));
  useShortcut('approval.delegate', why ? undefined : () => setAsking('delegate'));
  return (
    <Section title="Your decision">
      <div class="fields" style={{ paddingTop: '10px' }}>
        <p class="soft small">You: {gate.you || 'may decide'}</p>
        {choices.length > 0 ? (
          <div class="decide" role="group" aria-label="Answers">
            {choices.map((choice) => (
              <Button key={choice} kind="primary" act={() => answer(choice)} why={why}>
                {choice}
              </Button>
            ))}
          </div>
        ) : (
          <label class="field">
            <span class="label">{asks ? 'Answer' : 'Comment'}</span>
            <textarea
              ref={box}
              rows={3}
              value={comment}
              aria-invalid={problem ? 'true' : undefined}
              onInput={(event) => {
                setComment(event.currentTarget.value);
                setProblem('');
              }}
            />
            {problem ? <span class="problem">{problem}</span> : null}
          </label>
        )}
        {refused ? <Trouble refusal={refused} /> : null}
        <div class="decide">
          {choices.length > 0 ? null : (
            <Button kind="primary" act={approve} why={why}>
              {asks ? 'Answer' : 'Approve'}
            </Button>
          )}
          {works ? (
            <Button act={() => setAsking('changes')} why={why}>
              Request changes
            </Button>
          ) : null}
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
