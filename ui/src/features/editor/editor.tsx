/** `/pipelines/:name/edit` and `/pipelines/new`: the text, what is wrong with it, and what is saved. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { getTagged, post, put, refusal, type Refusal } from '../../api/client';
import type { Diagnostic } from '../../api/types';
import { Dialog } from '../../components/dialog';
import { lineDiff } from '../../components/diff';
import { useLoad } from '../../components/load';
import { guardLeaving, navigate, query } from '../../components/location';
import { markUseful } from '../../components/marks';
import { Button, Glyph, PageHead, Section, Skeleton, Trouble } from '../../components/parts';
import { pipelinePlace, type Matched } from '../../components/places';
import { tell } from '../../components/toast';
import { missing } from '../../components/who';
import { fixed, indentAfter, marks, offsetOf, proposal } from './model';

const BEGIN = `name: my-pipeline
description: What it is for

stages:
  - name: build
    run: echo building
`;

export interface EditorProps {
  params: Matched;
  /** The text of a template. */
  template: (name: string) => Promise<string | undefined>;
}

export function Editor({ params, template }: EditorProps) {
  const name = params['name'];
  const begin = query.value.get('template') ?? '';
  const loaded = useLoad(name ?? `new ${begin}`, async () => {
    if (name === undefined) return { text: (begin ? await template(begin) : undefined) ?? BEGIN, revision: 0, tag: undefined };
    const { data, tag } = await getTagged('/api/pipelines/{name}', { path: { name } });
    return { text: data.definition, revision: data.revision, tag };
  });
  useEffect(() => {
    if (loaded.value) markUseful();
  }, [loaded.value !== undefined]);
  if (loaded.refused) return <Trouble refusal={loaded.refused} again={loaded.again} />;
  if (!loaded.value) return <Skeleton rows={10} />;
  return <Writing key={name ?? begin} name={name} base={loaded.value} again={loaded.again} />;
}

interface Base {
  text: string;
  revision: number;
  tag: string | undefined;
}

const draftKey = (name: string | undefined) => `orchestrate.draft.${name ?? ''}`;

function Writing({ name, base, again }: { name: string | undefined; base: Base; again: () => void }) {
  const kept = localStorage.getItem(draftKey(name));
  const [text, setText] = useState(kept ?? base.text);
  const [diagnostics, setDiagnostics] = useState<Diagnostic[]>([]);
  const [valid, setValid] = useState<boolean | undefined>(undefined);
  const [refused, setRefused] = useState<Refusal | undefined>(undefined);
  const [theirs, setTheirs] = useState<Base | undefined>(undefined);
  const box = useRef<HTMLTextAreaElement>(null);
  const dirty = text !== base.text;
  const round = useRef(0);

  // One validator for everybody: the server's.
  useEffect(() => {
    const mine = (round.current += 1);
    const timer = setTimeout(() => {
      post('/api/validate', { body: { definition: text, file: name ? `${name}.yaml` : 'new.yaml' } }).then(
        (found) => {
          if (mine !== round.current) return;
          setDiagnostics(found.diagnostics);
          setValid(found.valid);
        },
        (error: unknown) => setRefused(refusal(error)),
      );
    }, 120);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => {
    if (dirty) localStorage.setItem(draftKey(name), text);
    else localStorage.removeItem(draftKey(name));
    guardLeaving(dirty ? () => 'What you wrote is not saved. It stays as a draft in this browser. Leave?' : undefined);
    return () => guardLeaving(undefined);
  }, [text, dirty]);

  const save = async (over: Base = base) => {
    setRefused(undefined);
    try {
      const saved = name
        ? await put('/api/pipelines/{name}', { path: { name }, body: { definition: text }, ...(over.tag ? { ifMatch: over.tag } : {}) })
        : await post('/api/pipelines', { body: { definition: text } });
      localStorage.removeItem(draftKey(name));
      guardLeaving(undefined);
      tell(`${saved.name} r${saved.revision} is saved.`);
      navigate(pipelinePlace(saved.name, 'definition'));
    } catch (error) {
      const said = refusal(error);
      if (said.status === 412 && name) {
        const { data, tag } = await getTagged('/api/pipelines/{name}', { path: { name } });
        setTheirs({ text: data.definition, revision: data.revision, tag });
      } else setRefused(said);
    }
  };
  const goTo = (one: Diagnostic) => {
    const start = one.spans[0]?.start;
    const area = box.current;
    if (!start || !area) return;
    const at = offsetOf(text, start.line, start.col);
    area.focus();
    area.setSelectionRange(at, at);
    area.scrollTop = Math.max(0, (start.line - 8) * 18);
  };
  const why = missing('define') ?? (valid === false ? 'It has errors: see beside it.' : dirty || !name ? undefined : 'Nothing is changed.');
  return (
    <>
      <PageHead title={name ? `Edit ${name}` : 'New pipeline'}>
        <span class="soft small">
          {name ? `r${base.revision}` : ''} {dirty ? (name ? '→ draft, kept in this browser' : 'draft') : ''}
        </span>
        {kept !== null && dirty ? (
          <Button kind="quiet" act={() => setText(base.text)}>
            Discard draft
          </Button>
        ) : null}
        <Button kind="primary" act={() => save()} why={why}>
          Save
        </Button>
      </PageHead>
      {refused ? <Trouble refusal={refused} /> : null}
      <div class="editor">
        <Area text={text} change={setText} diagnostics={diagnostics} box={box} save={() => (why ? tell(why) : void save())} />
        <Section title="Checks">
          {valid ? (
            <p class="empty small">
              <span>
                <Glyph status="succeeded" /> It is valid.
              </span>
            </p>
          ) : null}
          {diagnostics.length === 0 ? null : (
            <ul class="diagnostics" aria-label="Diagnostics">
              {diagnostics.map((one, at) => (
                <li key={at} data-line={one.spans[0]?.start.line}>
                  <button type="button" class="linkish" onClick={() => goTo(one)}>
                    <span class={one.severity === 'error' ? 'failed' : 'attention'}>
                      {one.severity}[{one.code}]
                    </span>{' '}
                    {one.message}
                  </button>
                  <span class="soft small num">
                    {one.spans[0] ? `${one.spans[0].start.line}:${one.spans[0].start.col}` : ''} {one.help}
                  </span>
                  {proposal(one) ? (
                    <div>
                      <Button act={() => setText(fixed(text, one) ?? text)}>Fix: {proposal(one)}</Button>
                    </div>
                  ) : null}
                </li>
              ))}
            </ul>
          )}
        </Section>
      </div>
      {theirs ? (
        <Conflict
          base={base}
          theirs={theirs}
          mine={text}
          close={() => setTheirs(undefined)}
          overwrite={() => save(theirs)}
          take={() => {
            setText(theirs.text);
            setTheirs(undefined);
            again();
          }}
        />
      ) : null}
    </>
  );
}

interface AreaProps {
  text: string;
  change: (text: string) => void;
  diagnostics: readonly Diagnostic[];
  box: { current: HTMLTextAreaElement | null };
  save: () => void;
}

function Area({ text, change, diagnostics, box, save }: AreaProps) {
  const gutter = useRef<HTMLOListElement>(null);
  const marked = marks(diagnostics);
  const lines = text.split('\n').length;
  const key = (event: KeyboardEvent) => {
    const area = box.current;
    if (!area) return;
    if (event.key === 's' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      save();
    } else if (event.key === 'Enter' && !event.isComposing) {
      event.preventDefault();
      const before = text.slice(0, area.selectionStart);
      const added = `\n${indentAfter(before.slice(before.lastIndexOf('\n') + 1))}`;
      area.setRangeText(added, area.selectionStart, area.selectionEnd, 'end');
      change(area.value);
    }
  };
  return (
    <div class="editor-box">
      <ol ref={gutter} aria-hidden="true">
        {Array.from({ length: lines }, (_, at) => (
          <li key={at} class={marked.get(at + 1) ?? ''}>
            {marked.has(at + 1) ? '● ' : ''}
            {at + 1}
          </li>
        ))}
      </ol>
      <textarea
        ref={box}
        aria-label="Definition"
        aria-invalid={diagnostics.some((one) => one.severity === 'error') ? 'true' : undefined}
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={(event) => change(event.currentTarget.value)}
        onKeyDown={key}
        onScroll={(event) => {
          if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
        }}
      />
    </div>
  );
}

function Conflict({ base, theirs, mine, close, overwrite, take }: { base: Base; theirs: Base; mine: string; close: () => void; overwrite: () => unknown; take: () => void }) {
  const part = (title: string, from: string, to: string) => (
    <Section title={title}>
      <pre class="code diff" tabIndex={0} aria-label={title}>
        {lineDiff(from, to).map((line, at) => (
          <span key={at} class={line.kind === '+' ? 'plus' : line.kind === '-' ? 'minus' : line.kind === '@' ? 'part' : ''}>
            {line.kind} {line.text}
          </span>
        ))}
      </pre>
    </Section>
  );
  return (
    <Dialog title={`Somebody saved r${theirs.revision} meanwhile`} close={close} wide>
      <p>You began with r{base.revision}. Nothing is lost: look at both, go on writing, or decide.</p>
      {part('What they changed', base.text, theirs.text)}
      {part('What yours would make of theirs', theirs.text, mine)}
      <div class="dialog-actions">
        <Button act={close}>Go on writing</Button>
        <Button act={take}>Take theirs</Button>
        <Button kind="danger" act={overwrite}>
          Save mine over it
        </Button>
      </div>
    </Dialog>
  );
}
