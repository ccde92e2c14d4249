/** One stage as a form. Every answer is one change of the text, which the same validator reads. */
import { Button } from '../../../components/parts';
import { tell } from '../../../components/toast';
import { FormFields } from './fields';
import { Check, Choose, Text } from './inputs';
import { listOf, renamed, WORK_WORDS, WORKS, withWork, type StageForm, type Work } from './outline';
import { setIn } from './yaml';

interface Props {
  text: string;
  stage: StageForm;
  stages: readonly StageForm[];
  agents: readonly string[];
  pipelines: readonly string[];
  put: (text: string | undefined) => void;
  /** It got another name. */
  follow: (name: string) => void;
  remove: () => void;
  toText: () => void;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const string = (value: unknown): string => (typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value));
const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

export function StageFields({ text, stage, stages, agents, pipelines, put, follow, remove, toText }: Props) {
  const path = ['stages', stage.at] as const;
  const set = (key: string, value: unknown) => put(setIn(text, [...path, key], value));
  const words = (key: string) => (value: string) => set(key, value.trim() === '' ? undefined : value);
  const rename = (to: string) => {
    if (!NAME.test(to) || stages.some((other) => other.name === to)) {
      tell(`\`${to}\` cannot be its name: 1 to 64 of a-z A-Z 0-9 _ -, and only once.`, 'trouble');
      return;
    }
    follow(to);
    put(renamed(text, stage, to));
  };
  return (
    <section class="stage-form" aria-label={`Stage ${stage.name}`}>
      <div class="field-grid">
        <Text label="Name" value={stage.name} mono commit={rename} />
        <Choose
          label="What it does"
          value={stage.work}
          options={WORKS.filter((work) => work !== 'other' || stage.work === 'other').map((work) => ({ value: work, label: WORK_WORDS[work] }))}
          commit={(work: Work) => put(withWork(text, stage, work))}
        />
      </div>
      <Text label="Description" value={string(stage.value['description'])} commit={words('description')} />
      <WorkFields text={text} stage={stage} agents={agents} pipelines={pipelines} put={put} />
      <Waits stage={stage} stages={stages} set={set} />
      <Gates stage={stage} set={set} />
      {stage.work === 'form' ? null : <Before text={text} stage={stage} put={put} />}
      <details>
        <summary>Time and retries</summary>
        <div class="field-grid">
          <Text label="Timeout" value={string(stage.value['timeout'])} hint="as in 10m, 2h" commit={words('timeout')} />
          {isMap(stage.value['retry']) ? (
            <p class="soft small">Retries are set in YAML.</p>
          ) : (
            <Text label="Attempts" value={string(stage.value['retry'])} hint="how many in all" commit={(value) => set('retry', value.trim() === '' ? undefined : /^\d+$/.test(value.trim()) ? Number(value) : value)} />
          )}
        </div>
      </details>
      <p class="soft small">
        {stage.elsewhere.length > 0 ? <>Also set, in YAML: {stage.elsewhere.join(', ')}. </> : null}
        <button type="button" class="linkish accent" onClick={toText}>
          Show it in the text
        </button>
      </p>
      <div>
        <Button kind="danger" act={remove}>
          Delete stage
        </Button>
      </div>
    </section>
  );
}

function WorkFields({ text, stage, agents, pipelines, put }: Pick<Props, 'text' | 'stage' | 'agents' | 'pipelines' | 'put'>) {
  const { value, at, work } = stage;
  const set = (key: string, to: unknown) => put(setIn(text, ['stages', at, key], to));
  const named = (names: readonly string[]) => names.map((name) => ({ value: name, label: name }));
  switch (work) {
    case 'run':
      return <Text label="Script" value={string(value['run'])} rows={Math.min(14, string(value['run']).split('\n').length + 1)} mono commit={(script) => set('run', script === '' ? 'true' : script)} />;
    case 'agent':
      return (
        <>
          <Choose label="Agent" value={string(value['agent'])} options={named(agents)} commit={(agent) => set('agent', agent)} />
          <Text label="Task" value={string(value['task'])} rows={5} commit={(task) => set('task', task)} />
        </>
      );
    case 'pipeline':
      return <Choose label="Pipeline" value={string(value['pipeline'])} options={named(pipelines)} commit={(pipeline) => set('pipeline', pipeline)} />;
    case 'form':
      return <Asked text={text} path={['stages', at, 'form']} form={value['form']} put={put} />;
    case 'noop':
      return null;
    case 'other':
      return <p class="soft small">What it does is written in YAML.</p>;
  }
}

function Asked({ text, path, form, put }: { text: string; path: readonly (string | number)[]; form: unknown; put: Props['put'] }) {
  const instructions = isMap(form) ? string(form['instructions']) : '';
  return (
    <>
      <Text label="Instructions" value={instructions} rows={3} hint="Markdown" commit={(value) => put(setIn(text, [...path, 'instructions'], value === '' ? undefined : value))} />
      <FormFields text={text} path={path} form={form} put={put} />
    </>
  );
}

/** What it waits for. */
function Waits({ stage, stages, set }: { stage: StageForm; stages: readonly StageForm[]; set: (key: string, value: unknown) => void }) {
  const others = stages.filter((other) => other.at !== stage.at);
  const chosen = stage.dependsOn ?? [];
  const named = stage.dependsOn !== undefined;
  return (
    <fieldset class="group">
      <legend>Begins after</legend>
      <label class="check">
        <input type="radio" name={`after-${stage.at}`} checked={!named} onChange={() => set('depends_on', undefined)} /> the order of the list
      </label>
      <label class="check">
        <input type="radio" name={`after-${stage.at}`} checked={named} onChange={() => set('depends_on', [])} /> these stages:
      </label>
      {named ? (
        <div class="checks">
          {others.length === 0 ? <span class="soft small">there are no others</span> : null}
          {others.map((other) => (
            <Check
              key={other.name}
              label={other.name}
              checked={chosen.includes(other.name)}
              commit={(on) => set('depends_on', on ? [...chosen, other.name] : chosen.filter((name) => name !== other.name))}
            />
          ))}
        </div>
      ) : null}
    </fieldset>
  );
}

function Gates({ stage, set }: { stage: StageForm; set: (key: string, value: unknown) => void }) {
  const { value } = stage;
  const has = (key: string) => value[key] !== undefined && value[key] !== false;
  const gated = has('requires_approval') || has('approve_complete');
  const quorum = string(value['quorum']);
  return (
    <fieldset class="group">
      <legend>Approvals</legend>
      <Check label="before it begins" checked={has('requires_approval')} commit={(on) => set('requires_approval', on || undefined)} />
      <Check label="of its result" checked={has('approve_complete')} commit={(on) => set('approve_complete', on || undefined)} />
      <Check label="goes on by itself when it is done" checked={value['auto_advance'] !== false} commit={(on) => set('auto_advance', on ? undefined : false)} />
      {gated ? (
        <div class="field-grid">
          <Text label="Approvers" value={listOf(value['approvers']).join(', ')} hint="people, groups or roles; nobody: anybody" commit={(typed) => set('approvers', names(typed))} />
          <Text label="How many" value={quorum} hint="all, any or a number" commit={(typed) => set('quorum', typed === '' ? undefined : /^\d+$/.test(typed) ? Number(typed) : typed)} />
          {has('approve_complete') ? (
            <Text label="Revisions at most" value={string(value['max_revisions'])} commit={(typed) => set('max_revisions', typed === '' ? undefined : /^\d+$/.test(typed) ? Number(typed) : typed)} />
          ) : null}
        </div>
      ) : null}
    </fieldset>
  );
}

function names(typed: string): string[] | undefined {
  const found = typed.split(',').map((one) => one.trim()).filter(Boolean);
  return found.length > 0 ? found : undefined;
}

/** What a person is asked before the work. */
function Before({ text, stage, put }: Pick<Props, 'text' | 'stage' | 'put'>) {
  const path = ['stages', stage.at, 'human'];
  const asks = stage.value['human'] !== undefined;
  return (
    <fieldset class="group">
      <legend>Asked of a person before it works</legend>
      <Check label="a form" checked={asks} commit={(on) => put(setIn(text, path, on ? { instructions: 'What is to be known?', fields: { answer: 'text' } } : undefined))} />
      {asks ? <Asked text={text} path={path} form={stage.value['human']} put={put} /> : null}
    </fieldset>
  );
}
