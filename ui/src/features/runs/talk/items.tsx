/** What happened, a line each; what it says in full opens beneath it. */
import type { ComponentChildren } from 'preact';
import { lineDiff } from '../../../components/diff';
import { Markdown } from '../../../components/markdown';
import { Glyph } from '../../../components/parts';
import { duration, inline, timeOfDay } from '../../../components/text';
import { editOf, sizeOf, type Item } from './model';

export function Items({ items, thoughts }: { items: readonly Item[]; thoughts: boolean }) {
  return (
    <ol class="talk-items">
      {items
        .filter((item) => thoughts || item.kind !== 'say' || !item.quiet)
        .map((item) => (
          <li key={item.seq} data-seq={item.seq} class={`is-${item.kind}`}>
            <Shown item={item} />
          </li>
        ))}
    </ol>
  );
}

/** One line; with more to it, it opens. */
function Line({ at, glyph, head, aside, children, state, open = false }: { at: number; glyph: string; head: ComponentChildren; aside?: ComponentChildren; children?: ComponentChildren; state?: string; open?: boolean }) {
  const line = (
    <>
      <Glyph status={glyph} still={glyph !== 'running'} />
      <span class="clip">{head}</span>
      <span class="rest" />
      <span class="soft small num">{aside}</span>
      <time class="soft small num" dateTime={new Date(at).toISOString()}>
        {timeOfDay(at).slice(0, 8)}
      </time>
    </>
  );
  if (!children) return <div class="talk-line" data-state={state}>{line}</div>;
  return (
    <details data-state={state} open={open}>
      <summary class="talk-line">{line}</summary>
      <div class="talk-more">{children}</div>
    </details>
  );
}

const STATES = { running: 'running', ok: 'succeeded', failed: 'failed', denied: 'rejected' } as const;
const MARKS = { begins: 'pending', note: 'pending', retry: 'retrying', warning: 'unknown' } as const;

function Shown({ item }: { item: Item }) {
  switch (item.kind) {
    case 'prompt':
      return (
        <Line at={item.at} glyph="pending" head="Prompt" aside={`${item.system.length + item.text.length} characters`}>
          {item.system ? <Text label="System" text={item.system} /> : null}
          <Text label="Task and context" text={item.text} />
        </Line>
      );
    case 'say':
      return (
        <div class={item.quiet ? 'soft talk-say' : 'talk-say'}>
          <Markdown text={item.text} />
        </div>
      );
    case 'call':
      return <Call item={item} />;
    case 'ask':
      return (
        <Line at={item.at} glyph={item.answer === undefined ? 'waiting_input' : 'approved'} head={<>Asked: {item.question}</>} open={item.answer !== undefined} state={item.answer === undefined ? 'open' : 'answered'}>
          {item.answer === undefined ? null : <p class="wrap">{item.answer}</p>}
        </Line>
      );
    case 'line':
      return <Line at={item.at} glyph={MARKS[item.mark]} head={item.mark === 'begins' ? `${item.who || 'It'} ${item.text}` : item.text} state={item.mark} />;
    case 'check':
      return (
        <Line at={item.at} glyph={item.passed ? 'succeeded' : 'failed'} head={item.says} state={item.passed ? 'passed' : 'failed'} open={!item.passed}>
          {item.tail ? <Text label="Its last lines" text={item.tail} /> : null}
        </Line>
      );
    case 'turn':
      return (
        <Line at={item.at} glyph="changes_requested" head={<strong>{`${item.number}: ${item.says}`}</strong>} state="turn">
          {item.data === null || (typeof item.data === 'object' && Object.keys(item.data as object).length === 0) ? null : <Text label="Data" text={JSON.stringify(item.data, null, 2)} />}
        </Line>
      );
    case 'result':
      return (
        <Line at={item.at} glyph="succeeded" head="Handed in the result" open>
          <Text label="Result" text={typeof item.value === 'string' ? item.value : JSON.stringify(item.value, null, 2)} />
        </Line>
      );
    case 'verdict':
      return <Line at={item.at} glyph={item.verdict.outcome === 'succeeded' ? 'succeeded' : 'failed'} head={`Ended: ${item.verdict.outcome.replaceAll('_', ' ')}`} />;
  }
}

function Call({ item }: { item: Item & { kind: 'call' } }) {
  const edit = editOf(item.input);
  const aside = [item.state === 'denied' ? 'denied' : '', edit ? sizeOf(edit) : '', item.took === undefined ? '' : duration(item.took)].filter(Boolean).join(' ');
  return (
    <Line at={item.at} glyph={STATES[item.state]} head={item.title} aside={aside} state={item.state} open={item.state === 'denied'}>
      {item.state === 'denied' ? <p class="failed wrap">Refused: {item.output}</p> : null}
      {edit ? (
        <pre class="code diff" tabIndex={0} aria-label={`Change of ${edit.path}`}>
          {lineDiff(edit.before, edit.after).map((line, at) => (
            <span key={at} class={line.kind === '+' ? 'plus' : line.kind === '-' ? 'minus' : ''}>
              {line.kind} {line.text}
            </span>
          ))}
        </pre>
      ) : (
        <Given input={item.input} />
      )}
      {item.output && item.state !== 'denied' ? <Text label="What came of it" text={item.output} /> : null}
    </Line>
  );
}

/** The arguments of a call, by name. */
function Given({ input }: { input: unknown }) {
  if (typeof input !== 'object' || input === null) return null;
  return (
    <dl class="pairs">
      {Object.entries(input).map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd class="mono wrap pre">{inline(value)}</dd>
        </>
      ))}
    </dl>
  );
}

function Text({ label, text }: { label: string; text: string }) {
  return (
    <div class="field">
      <span class="label">{label}</span>
      <pre class="code" tabIndex={0} aria-label={label}>
        {text}
      </pre>
    </div>
  );
}
