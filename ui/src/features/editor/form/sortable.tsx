/** A list whose order people change: by dragging, by arrows, and by keys. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

interface Props {
  label: string;
  /** Names of the items, in their order; each once. */
  names: readonly string[];
  move: (from: number, to: number) => void;
  /** Nothing may be moved, and this is why. */
  why?: string | undefined;
  row: (at: number) => ComponentChildren;
  chosen?: string | undefined;
}

export function Sortable({ label, names, move, why, row, chosen }: Props) {
  const list = useRef<HTMLOListElement>(null);
  const [held, hold] = useState<number | undefined>(undefined);
  const [over, setOver] = useState<number | undefined>(undefined);
  const [said, say] = useState('');
  /** What keeps the focus while its row goes elsewhere. */
  const focus = useRef<{ name: string; control: string } | undefined>(undefined);

  // Before the next key: pressed again, it moves the same row.
  useLayoutEffect(() => {
    const wanted = focus.current;
    if (!wanted) return;
    focus.current = undefined;
    const target = list.current?.querySelector<HTMLElement>(`[data-item="${CSS.escape(wanted.name)}"] [data-control="${wanted.control}"]`);
    target?.focus();
  }, [names]);

  const put = (from: number, to: number, control: string) => {
    const name = names[from];
    if (why || name === undefined || to < 0 || to >= names.length || from === to) return;
    focus.current = { name, control };
    say(`${name} is now ${to + 1} of ${names.length}`);
    move(from, to);
  };
  const key = (event: KeyboardEvent, at: number) => {
    if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
    event.preventDefault();
    event.stopPropagation();
    const control = (event.target as HTMLElement).closest<HTMLElement>('[data-control]')?.dataset['control'] ?? 'up';
    put(at, at + (event.key === 'ArrowUp' ? -1 : 1), control);
  };
  const drop = (at: number) => {
    if (held !== undefined) put(held, at, 'up');
    hold(undefined);
    setOver(undefined);
  };
  return (
    <>
      <ol ref={list} class="sortable" aria-label={label}>
        {names.map((name, at) => (
          <li
            key={name}
            data-item={name}
            class={`${over === at && held !== undefined && held !== at ? (held < at ? 'after' : 'before') : ''}${chosen === name ? ' chosen' : ''}`}
            draggable={!why}
            onDragStart={(event) => {
              event.stopPropagation();
              event.dataTransfer?.setData('text/plain', name);
              hold(at);
            }}
            onDragOver={(event) => {
              if (held === undefined) return;
              event.preventDefault();
              event.stopPropagation();
              setOver(at);
            }}
            onDrop={(event) => {
              event.preventDefault();
              event.stopPropagation();
              drop(at);
            }}
            onDragEnd={() => {
              hold(undefined);
              setOver(undefined);
            }}
            onKeyDown={(event) => key(event, at)}
          >
            <span class="grip" aria-hidden="true">
              ⠿
            </span>
            <div class="sortable-row">{row(at)}</div>
            <span class="movers">
              <button type="button" class="mini" data-control="up" aria-label={`Move ${name} up`} title={why ?? 'Alt ↑'} aria-disabled={why || at === 0 ? 'true' : undefined} onClick={() => put(at, at - 1, 'up')}>
                ↑
              </button>
              <button type="button" class="mini" data-control="down" aria-label={`Move ${name} down`} title={why ?? 'Alt ↓'} aria-disabled={why || at === names.length - 1 ? 'true' : undefined} onClick={() => put(at, at + 1, 'down')}>
                ↓
              </button>
            </span>
          </li>
        ))}
      </ol>
      <p class="sr" role="status">
        {said}
      </p>
    </>
  );
}
