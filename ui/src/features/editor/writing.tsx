/** One definition under somebody's hands. */
import type { ComponentType } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, getTagged, post, put, refusal, type Refusal } from '../../api/client';
import type { Diagnostic } from '../../api/types';
import { useLoad } from '../../components/load';
import { guardLeaving, navigate, query, setQuery } from '../../components/location';
import { Button, PageHead, Skeleton, Time, Trouble } from '../../components/parts';
import { pipelinePlace } from '../../components/places';
import { tell } from '../../components/toast';
import { missing } from '../../components/who';
import { Checks, DraftGraph } from './beside';
import { useChecked } from './checked';
import { Conflict } from './conflict';
import { dropDraft, type Base } from './draft';
import type { FormProps } from './form/form';
import { fixed, linesOf } from './model';
import { Code, type CodeHandle } from './text/code';
import { keyAt, stageAt, stageStarts } from './text/place';
import { sayingAt, type Schema } from './text/schema';
import { useDraft } from './usedraft';

interface Props {
  /** Nothing: it has yet to get its name. */
  name: string | undefined;
  /** What its draft is kept under. */
  draft: string;
  /** What the server has. */
  saved: Base;
  again: () => void;
}

const VIEWS = [
  ['form', 'Form'],
  ['split', 'Split'],
  ['yaml', 'YAML'],
] as const;

export function Writing({ name, draft, saved, again }: Props) {
  const written = useDraft(draft, saved, again);
  const { text, base, dirty } = written;
  const checked = useChecked(text, name ? `${name}.yaml` : 'new.yaml');
  const [refused, setRefused] = useState<Refusal | undefined>(undefined);
  const [theirs, setTheirs] = useState<Base | undefined>(undefined);
  const [offset, setOffset] = useState(0);
  const language = useLanguage();
  const code = useRef<CodeHandle>(null);
  const narrow = useNarrow();
  const view = VIEWS.find(([id]) => id === query.value.get('view'))?.[0] ?? 'yaml';
  const [open, setOpen] = useState<string | undefined>(undefined);

  useEffect(() => {
    guardLeaving(dirty ? () => 'What you wrote is not saved. It stays as a draft in this browser. Leave?' : undefined);
    return () => guardLeaving(undefined);
  }, [dirty]);

  const save = async (over: Base = base) => {
    setRefused(undefined);
    try {
      const done = name
        ? await put('/api/pipelines/{name}', { path: { name }, body: { definition: text }, ...(over.tag ? { ifMatch: over.tag } : {}) })
        : await post('/api/pipelines', { body: { definition: text } });
      dropDraft(draft);
      guardLeaving(undefined);
      tell(`${done.name} r${done.revision} is saved.`);
      navigate(pipelinePlace(done.name, 'definition'));
    } catch (error) {
      const said = refusal(error);
      if (said.status === 412 && name) {
        const { data, tag } = await getTagged('/api/pipelines/{name}', { path: { name } });
        setTheirs({ text: data.definition, revision: data.revision, tag });
      } else setRefused(said);
    }
  };
  const goTo = (line: number, col: number) => code.current?.goTo(line, col);
  const toText = (stage: string) => {
    if (view === 'form') setQuery({ view: 'split' });
    const found = stageStarts(text).find((one) => one.name === stage);
    // Once the field is to be seen.
    if (found) requestAnimationFrame(() => goTo(linesOf(text, found.at), 1));
  };
  const choose = (stage: string) => {
    setOpen(stage);
    if (view !== 'form') toText(stage);
  };
  const toPlace = (one: Diagnostic) => {
    if (view === 'form') setQuery({ view: 'split' });
    requestAnimationFrame(() => goTo(one.spans[0]?.start.line ?? 1, one.spans[0]?.start.col ?? 1));
  };
  const why = missing('define') ?? (checked.valid === false ? 'It has errors: see beside it.' : dirty || !name ? undefined : 'Nothing is changed.');
  const stage = useMemo(() => stageAt(text, offset), [text, offset]);
  return (
    <>
      <PageHead title={name ? `Edit ${name}` : 'New pipeline'}>
        <nav class="segments" aria-label="View">
          {VIEWS.map(([id, label]) => (
            <button type="button" key={id} aria-pressed={view === id} onClick={() => setQuery({ view: id === 'yaml' ? undefined : id })}>
              {label}
            </button>
          ))}
        </nav>
        <DraftState name={name} base={base} dirty={dirty} at={written.keptAt} kept={written.kept} />
        {dirty ? (
          <Button kind="quiet" act={written.discard}>
            Discard draft
          </Button>
        ) : null}
        <Button kind="primary" act={() => save()} why={why} title="Ctrl S">
          Save
        </Button>
      </PageHead>
      {refused ? <Trouble refusal={refused} /> : null}
      {checked.refused ? <Trouble refusal={checked.refused} /> : null}
      {written.behind && !theirs ? (
        <div class="notice attention" role="status">
          Somebody saved r{written.behind.revision} meanwhile; yours began with r{base.revision}.{' '}
          <Button act={() => setTheirs(written.behind)}>Look at both</Button>
        </div>
      ) : null}
      {narrow ? <p class="soft small">To be read here: writing needs a wider window.</p> : null}
      <div class={`editor ${view}`}>
        <div class="editor-main" hidden={view === 'form'}>
          <div class="editor-box">
            <Code text={text} stamp={written.stamp} diagnostics={checked.diagnostics} language={language} readOnly={narrow} change={written.write} moved={setOffset} save={() => (why ? tell(why) : void save())} handle={code} />
          </div>
          <Saying text={text} offset={offset} schema={language.schema} />
        </div>
        {view === 'yaml' ? null : (
          <div class="editor-form">
            <LateForm
              text={text}
              named={name !== undefined}
              put={written.put}
              stage={open}
              choose={setOpen}
              toText={toText}
              undo={() => code.current?.undo()}
              agents={language.known.agents}
              pipelines={language.known.pipelines}
              readOnly={narrow}
            />
          </div>
        )}
        <div class="editor-beside">
          <DraftGraph checked={checked} stage={view === 'form' ? open : stage} choose={choose} />
          <Checks checked={checked} goTo={toPlace} fix={(one) => written.put(fixed(text, one) ?? text)} />
        </div>
      </div>
      {theirs ? (
        <Conflict
          base={base}
          theirs={theirs}
          mine={text}
          close={() => setTheirs(undefined)}
          overwrite={() => save(theirs)}
          take={(mixed) => {
            written.rebase(theirs, mixed);
            setTheirs(undefined);
          }}
        />
      ) : null}
    </>
  );
}

/** The form comes in a file of its own, when it is first looked at. */
function LateForm(props: FormProps) {
  const [Form, setForm] = useState<ComponentType<FormProps> | undefined>(undefined);
  useEffect(() => {
    import('./form/form').then(
      (file) => setForm(() => file.DefinitionForm),
      () => tell('The form could not be loaded: load the page again.', 'trouble'),
    );
  }, []);
  return Form ? <Form {...props} /> : <Skeleton rows={8} />;
}

function DraftState({ name, base, dirty, at, kept }: { name: string | undefined; base: Base; dirty: boolean; at: number | undefined; kept: boolean }) {
  return (
    <span class="soft small" data-draft={dirty ? 'kept' : 'none'}>
      {name ? `r${base.revision}` : ''}
      {dirty && name ? ' → ' : ''}
      {dirty && kept ? 'draft, kept in this browser ' : ''}
      {dirty && kept && at ? <Time at={new Date(at).toISOString()} /> : null}
      {dirty && !kept ? <strong class="attention">this browser keeps no drafts: save before you leave</strong> : null}
    </span>
  );
}

/** The documentation of the key at the cursor. */
function Saying({ text, offset, schema }: { text: string; offset: number; schema: Schema | undefined }) {
  const key = useMemo(() => keyAt(text, offset), [text, offset]);
  const says = schema && key ? sayingAt(schema, key.path) : '';
  return (
    <p class="saying soft small" aria-live="off">
      {key && says ? (
        <>
          <code>{String(key.path.at(-1))}</code> {says}
        </>
      ) : (
        'Ctrl Space proposes what may stand here; Esc, then Tab leaves the field.'
      )}
    </p>
  );
}

function useLanguage() {
  const schema = useLoad('schema', async () => (await get('/api/schema')) as unknown as Schema);
  const agents = useLoad('agents', () => get('/api/agents'));
  const pipelines = useLoad('pipelines', () => get('/api/pipelines', { query: { limit: 500 } }));
  return useMemo(
    () => ({
      schema: schema.value,
      known: { agents: (agents.value?.data ?? []).map((one) => one.name), pipelines: (pipelines.value?.data ?? []).map((one) => one.name) },
    }),
    [schema.value, agents.value, pipelines.value],
  );
}

/** Whether the window is a phone's. */
function useNarrow(): boolean {
  const media = useMemo(() => matchMedia('(max-width: 799px)'), []);
  const [narrow, setNarrow] = useState(media.matches);
  useEffect(() => {
    const hear = () => setNarrow(media.matches);
    media.addEventListener('change', hear);
    return () => media.removeEventListener('change', hear);
  }, []);
  return narrow;
}
