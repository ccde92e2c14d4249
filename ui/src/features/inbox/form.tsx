/** A form that a run waits for: kept as a draft on the server while it is filled in. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, post, put, refusal, type Refusal } from '../../api/client';
import type { InputDetail } from '../../api/types';
import { ofForm, readAll, shown } from '../../components/fields';
import { Fields, focusFirst } from '../../components/form';
import { useLoad } from '../../components/load';
import { Markdown } from '../../components/markdown';
import { markUseful } from '../../components/marks';
import { Button, Empty, PageHead, Skeleton, Status, Time, Trouble } from '../../components/parts';
import { runPlace } from '../../components/places';
import { tell } from '../../components/toast';
import { missing } from '../../components/who';
import { useTopic } from '../../live/use';
import { refusalOf } from './model';

type Typed = Record<string, string | boolean>;

export function FormPage({ id }: { id: string }) {
  const live = useTopic('inbox');
  const form = useLoad(id, () => get('/api/inputs/{id}', { path: { id } }), live.seq);
  useEffect(() => {
    if (form.value) markUseful();
  }, [form.value !== undefined]);
  if (form.refused && !form.value) return <Trouble refusal={form.refused} again={form.again} />;
  if (!form.value) return <Skeleton rows={8} />;
  const of = form.value;
  return (
    <div data-id={of.id} data-run={of.run_name} data-stage={of.stage} data-status={of.status}>
      <PageHead
        title={
          <>
            {of.stage} <span class="soft">{of.run_name}</span>
          </>
        }
        below={
          <div class="run-facts">
            <Status status={of.status === 'open' ? 'waiting_input' : of.status} />
            <span>
              asked <Time at={of.opened_at} />
            </span>
            {of.revision > 0 ? (
              <span>
                revision {of.revision} of {of.max_revisions}
              </span>
            ) : null}
            {of.due_at ? (
              <span>
                due <Time at={of.due_at} />
              </span>
            ) : null}
            <span>{of.assignees.length > 0 ? `for ${of.assignees.join(', ')}` : 'for anybody who may decide'}</span>
            <a href={runPlace(of.run_name, { stage: of.stage })}>Open the run</a>
          </div>
        }
      />
      <div class="two">
        <div>
          {of.feedback ? (
            <div class="notice attention">
              <strong>Changes were requested:</strong> <span>{of.feedback}</span>
            </div>
          ) : null}
          {of.instructions ? (
            <div style={{ paddingBottom: '16px' }}>
              <Markdown text={of.instructions} />
            </div>
          ) : null}
          {of.status === 'open' ? <Filling key={of.generation} of={of} set={form.set} again={form.again} /> : <Empty>It was {of.status.replace('_', ' ')}{of.submitted_by ? ` by ${of.submitted_by}` : ''}.</Empty>}
        </div>
      </div>
    </div>
  );
}

function Filling({ of, set, again }: { of: InputDetail; set: (of: InputDetail) => void; again: () => void }) {
  const begun = { ...of.values, ...(of.draft?.values ?? {}) };
  const fields = of.fields.map((field) => ofForm(field, begun));
  const [typed, setTyped] = useState<Typed>({});
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [refused, setRefused] = useState<Refusal | undefined>(undefined);
  const [saved, setSaved] = useState<string | undefined>(of.draft ? `draft of ${of.draft.by}` : undefined);
  const form = useRef<HTMLFormElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const all: Typed = Object.fromEntries(fields.map((field) => [field.name, typed[field.name] ?? shown(field, field.initial)]));
  const why = missing('decide') ?? refusalOf(of.you);
  const save = async (values: Typed) => {
    clearTimeout(timer.current);
    timer.current = undefined;
    if (why) return;
    try {
      await put('/api/inputs/{id}/draft', { path: { id: of.id }, body: { values: readAll(fields, values).values as never } });
      setSaved('draft saved on the server');
    } catch (error) {
      setSaved(`draft not saved: ${refusal(error).message}`);
    }
  };
  const latest = useRef(all);
  latest.current = all;
  // What was typed last is saved also when one leaves at once.
  useEffect(() => () => void (timer.current === undefined ? undefined : save(latest.current)), []);
  const change = (name: string, value: string | boolean) => {
    setTyped({ ...typed, [name]: value });
    const { [name]: _gone, ...rest } = problems;
    setProblems(rest);
    setSaved('not saved yet');
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void save({ ...latest.current, [name]: value }), 1000);
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (why) {
      tell(why);
      return;
    }
    clearTimeout(timer.current);
    timer.current = undefined;
    const filled = readAll(fields, all);
    setProblems(filled.problems);
    if (Object.keys(filled.problems).length > 0) {
      focusFirst(form.current, filled.problems);
      return;
    }
    try {
      set(await post('/api/inputs/{id}/submit', { path: { id: of.id }, body: { values: filled.values as never, generation: of.generation } }));
      tell('Submitted: the run goes on.');
    } catch (error) {
      const said = refusal(error);
      const wrong: Record<string, string> = {};
      for (const { field, problem } of said.problem.fields ?? []) wrong[field.replace(/^(values|texts)\./, '')] = problem;
      setProblems(wrong);
      setRefused(said);
      focusFirst(form.current, wrong);
      if (said.status === 409) again();
    }
  };
  return (
    <form
      ref={form}
      class="fields"
      noValidate
      onSubmit={(event) => void submit(event)}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void submit(event);
      }}
    >
      <Fields fields={fields} typed={all} problems={problems} change={change} />
      {refused ? <Trouble refusal={refused} /> : null}
      <div class="decide">
        <Button type="submit" kind="primary" why={why}>
          Submit
        </Button>
        <Button act={() => save(all)} why={why}>
          Save draft
        </Button>
        <span class="soft small" role="status">
          {saved}
        </span>
      </div>
    </form>
  );
}
