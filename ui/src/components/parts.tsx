/** Small parts that all pages are made of. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Refusal } from '../api/client';
import { useNow } from './now';
import { lookOf, SHAPES, type Part } from './status';
import { duration, exact, millis, relative, withPlainTimes } from './text';
import { tell } from './toast';

export function Glyph({ status, size = 16, still = false }: { status: string; size?: number; still?: boolean }) {
  const { hue, shape, word } = lookOf(status);
  const turns = !still && (shape === 'arc' || shape === 'starting');
  return (
    <svg
      class={`glyph ${hue}${turns ? ' turns' : ''}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      role="img"
      aria-label={word}
    >
      {(SHAPES[shape] as readonly Part[]).map((part) => (
        <path d={part.d} class={part.paint} />
      ))}
    </svg>
  );
}

/** What the server says, with `names` as names. */
export function Words({ text }: { text: string }) {
  return (
    <>
      {withPlainTimes(text).split('`').map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))}
    </>
  );
}

/** Glyph and word. */
export function Status({ status, children }: { status: string; children?: ComponentChildren }) {
  const { hue, word } = lookOf(status);
  return (
    <span class={`status ${hue}`} data-status={status}>
      <Glyph status={status} />
      <span>{word}</span>
      {children}
    </span>
  );
}

export function Time({ at }: { at: string | null | undefined }) {
  const now = useNow();
  const time = millis(at);
  if (time === undefined) return <span class="soft">-</span>;
  return (
    <time dateTime={at ?? ''} title={exact(time)}>
      {relative(time, now)}
    </time>
  );
}

/** How long it took, or takes until now. */
export function Took({ from, to }: { from: string | null | undefined; to: string | null | undefined }) {
  const begun = millis(from);
  const now = useNow(begun !== undefined && !to);
  if (begun === undefined) return <span class="soft num">-</span>;
  return <span class="num">{duration((millis(to) ?? now) - begun)}</span>;
}

interface ButtonProps {
  class?: string;
  title?: string;
  'aria-label'?: string;
  'aria-pressed'?: boolean;
  'aria-expanded'?: boolean;
  /** What it does; while that goes on the button shows it. */
  act?: () => unknown;
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  /** Why it cannot be pressed now: said on pressing it. */
  why?: string | undefined;
  children?: ComponentChildren;
  type?: 'button' | 'submit';
  busy?: boolean;
}

export function Button({ act, kind = 'plain', why, children, type = 'button', busy, ...rest }: ButtonProps) {
  const [working, setWorking] = useState(false);
  const pending = working || busy;
  const press = async (event: Event) => {
    if (why) {
      event.preventDefault();
      tell(why);
      return;
    }
    if (pending || !act) return;
    setWorking(true);
    try {
      await act();
    } finally {
      setWorking(false);
    }
  };
  return (
    <button
      {...rest}
      type={type}
      class={`button ${kind}${pending ? ' pending' : ''} ${rest.class ?? ''}`}
      aria-disabled={why || pending ? 'true' : undefined}
      title={why ?? rest.title}
      onClick={(event) => void press(event)}
    >
      {children}
    </button>
  );
}

export interface TabItem {
  id: string;
  label: string;
  count?: number | undefined;
  href: string;
}

export function Tabs({ items, chosen, label }: { items: TabItem[]; chosen: string; label: string }) {
  const box = useRef<HTMLElement>(null);
  // On a narrow page they scroll sideways: what is open is in sight.
  useEffect(() => {
    const [tabs, tab] = [box.current, box.current?.querySelector<HTMLElement>('[aria-current]')];
    if (tabs && tab && tabs.scrollWidth > tabs.clientWidth) tabs.scrollLeft = tab.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
  }, [chosen]);
  return (
    <nav ref={box} class="tabs" aria-label={label}>
      {items.map((item) => (
        <a key={item.id} href={item.href} aria-current={item.id === chosen ? 'page' : undefined}>
          {item.label}
          {item.count ? <span class="count">{item.count}</span> : null}
        </a>
      ))}
    </nav>
  );
}

/** No value; on a narrow page its cell is left out. */
export function None() {
  return <span class="soft none">-</span>;
}

/** Nothing there: a sentence, and what to do. */
export function Empty({ children, command, action }: { children: ComponentChildren; command?: string; action?: ComponentChildren }) {
  return (
    <div class="empty">
      <p>{children}</p>
      {command ? <code>{command}</code> : null}
      {action}
    </div>
  );
}

/** Nothing for a moment, then the size of what comes. */
export function Skeleton({ rows = 3, height = 32 }: { rows?: number; height?: number }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class={`skeleton${late ? ' late' : ''}`} aria-hidden="true">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} style={{ height: `${height - 8}px`, width: `${92 - ((row * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

/** What went wrong, how it is called, and what to do. */
export function Trouble({ refusal, again }: { refusal: Refusal; again?: (() => void) | undefined }) {
  const { problem } = refusal;
  return (
    <div class="trouble" role="alert">
      <p>
        <Glyph status="failed" /> <strong>{problem.title}</strong>
        {problem.detail && problem.detail !== problem.title ? <>
            : <Words text={problem.detail} />
          </> : null}
      </p>
      {refusal.hints.length > 0 ? (
        <ul>
          {refusal.hints.map((hint) => (
            <li key={hint}>{hint}</li>
          ))}
        </ul>
      ) : null}
      <p class="soft small">
        <code>{problem.code}</code>
        {problem.request_id ? <> · request {problem.request_id}</> : null}
        {again ? (
          <>
            {' '}
            <Button kind="quiet" act={again}>
              Try again
            </Button>
          </>
        ) : null}
      </p>
    </div>
  );
}

export function Section({
  title,
  count,
  children,
  aside,
}: {
  title: string;
  count?: number | undefined;
  children: ComponentChildren;
  aside?: ComponentChildren;
}) {
  const id = `section-${title.replace(/\W+/g, '-').toLowerCase()}`;
  return (
    <section class="section" aria-labelledby={id}>
      <header>
        <h2 id={id}>
          {title}
          {count === undefined ? null : <span class="count">{count}</span>}
        </h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

export function PageHead({ title, children, below }: { title: ComponentChildren; children?: ComponentChildren; below?: ComponentChildren }) {
  return (
    <header class="page-head">
      <div class="line">
        <h1>{title}</h1>
        <div class="actions">{children}</div>
      </div>
      {below}
    </header>
  );
}
