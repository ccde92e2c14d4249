/** A question of an agent, answered where it was asked. */
import { useState } from 'preact/hooks';
import { get, post, refusal, type Refusal } from '../../../api/client';
import type { ApprovalSummary } from '../../../api/types';
import { useLoad } from '../../../components/load';
import { Button, Glyph, Skeleton, Trouble } from '../../../components/parts';
import { inboxPlace } from '../../../components/places';
import { missing } from '../../../components/who';

/** What may be answered, as the evidence of the gate says. */
function inquiryOf(shown: unknown): { choices: string[]; command: string } {
  const inquiry = (shown as { inquiry?: { choices?: unknown; detail?: { command?: unknown } | null } } | null)?.inquiry;
  return { choices: Array.isArray(inquiry?.choices) ? inquiry.choices.map(String) : [], command: typeof inquiry?.detail?.command === 'string' ? inquiry.detail.command : '' };
}

export function AskBox({ gate }: { gate: ApprovalSummary }) {
  const detail = useLoad(gate.id, () => get('/api/approvals/{id}', { path: { id: gate.id } }));
  const [text, setText] = useState('');
  const [problem, setProblem] = useState('');
  const [refused, setRefused] = useState<Refusal | undefined>(undefined);
  const { choices, command } = inquiryOf(detail.value?.shown);
  const permission = gate.kind === 'permission';
  const you = detail.value?.you ?? '';
  const why = missing('decide') ?? (you === '' || you === 'voted' || you.startsWith('can ') ? undefined : you);
  const digest = detail.value?.digest;
  const send = async (work: () => Promise<unknown>) => {
    setRefused(undefined);
    try {
      await work();
    } catch (error) {
      setRefused(refusal(error));
    }
  };
  const approve = (comment: string) => send(() => post('/api/approvals/{id}/approve', { path: { id: gate.id }, body: { comment, ...(digest ? { digest } : {}) } }));
  const reject = () => {
    if (text.trim() === '') {
      setProblem('a reason is needed');
      return undefined;
    }
    return send(() => post('/api/approvals/{id}/reject', { path: { id: gate.id }, body: { reason: text, ...(digest ? { digest } : {}) } }));
  };
  const answer = () => {
    if (text.trim() === '') {
      setProblem('an answer is needed');
      return undefined;
    }
    return approve(text);
  };
  return (
    <section class="askbox" aria-label="Question" data-id={gate.id}>
      <p class="wrap">
        <Glyph status="waiting_input" /> <strong>{gate.question}</strong>
      </p>
      {command ? (
        <pre class="code" tabIndex={0} aria-label="Command">
          {command}
        </pre>
      ) : null}
      {!detail.value && !detail.refused ? (
        <Skeleton rows={1} />
      ) : choices.length > 0 ? (
        <div class="decide" role="group" aria-label="Answers">
          {choices.map((choice) => (
            <Button key={choice} kind="primary" act={() => approve(choice)} why={why}>
              {choice}
            </Button>
          ))}
        </div>
      ) : (
        <div class="field">
          <label for={`ask-${gate.id}`}>{permission ? 'Comment' : 'Answer'}</label>
          <textarea
            id={`ask-${gate.id}`}
            rows={2}
            value={text}
            aria-invalid={problem ? 'true' : undefined}
            onInput={(event) => {
              setText(event.currentTarget.value);
              setProblem('');
            }}
          />
          {problem ? <p class="problem">{problem}</p> : null}
        </div>
      )}
      {refused ? <Trouble refusal={refused} /> : null}
      <div class="decide">
        {permission ? (
          <>
            <Button kind="primary" act={() => approve(text)} why={why}>
              Approve
            </Button>
            <Button kind="danger" act={reject} why={why}>
              Reject
            </Button>
          </>
        ) : choices.length > 0 ? null : (
          <Button kind="primary" act={answer} why={why}>
            Answer
          </Button>
        )}
        <a href={inboxPlace(gate.id)}>All of it</a>
      </div>
    </section>
  );
}
