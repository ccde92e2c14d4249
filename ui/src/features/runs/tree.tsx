/** The stages of a run as a tree: what the canvas shows, for everybody. */
import type { VNode } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import type { StageView } from '../../api/types';
import { Glyph } from '../../components/parts';
import { spoken, treeOf } from './model';

interface Props {
  stages: readonly StageView[];
  chosen: string | undefined;
  choose: (name: string) => void;
}

/** All that an item shows: while this is the same, so is what is drawn of it. */
interface Item {
  name: string;
  status: string;
  /** As it is read out. */
  label: string;
  shown: string;
  level: 1 | 2;
  attempts: number;
  /** Instances beneath it. */
  inner: number;
}

export function StageTree({ stages, chosen, choose }: Props) {
  const box = useRef<HTMLUListElement>(null);
  const items = useMemo(() => itemsOf(stages), [stages]);
  const drawn = useRef(new Map<string, { says: string; node: VNode }>());
  const move = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const all = [...(box.current?.querySelectorAll<HTMLElement>('[role=treeitem]') ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (by !== 0) {
      event.preventDefault();
      all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      const name = all[at]?.dataset['stage'];
      if (name !== undefined) choose(name);
    }
  };
  const click = (event: MouseEvent) => {
    const name = (event.target as Element).closest<HTMLElement>('[role=treeitem]')?.dataset['stage'];
    if (name !== undefined) choose(name);
  };
  const first = chosen ?? items[0]?.name;
  const known = drawn.current;
  // An event changes one stage of a thousand: the others are not even compared.
  drawn.current = new Map(
    items.map((item) => {
      const [isChosen, isFirst] = [item.name === chosen, item.name === first];
      const says = `${JSON.stringify(item)} ${isChosen} ${isFirst}`;
      const old = known.get(item.name);
      return [item.name, old?.says === says ? old : { says, node: leaf(item, isChosen, isFirst) }];
    }),
  );
  return (
    <ul class="tree" role="tree" aria-label="Stages" ref={box} onKeyDown={move} onClick={click}>
      {[...drawn.current.values()].map(({ node }) => node)}
    </ul>
  );
}

/** Flat, with levels: an item is called by its own words alone. */
function itemsOf(stages: readonly StageView[]): Item[] {
  return treeOf(stages).flatMap(({ name, row, status, instances }) => [
    { name: row?.name ?? name, status, label: row ? spoken(row) : `${name}, ${instances.length} instances`, shown: name, level: 1 as const, attempts: row?.attempts.length ?? 0, inner: instances.length },
    ...instances.map((one) => ({
      name: one.name,
      status: one.status,
      label: spoken(one, instances.length),
      shown: `${one.stage} ${one.instance} of ${one.instances ?? instances.length}`,
      level: 2 as const,
      attempts: one.attempts.length,
      inner: 0,
    })),
  ]);
}

function leaf({ name, status, label, shown, level, attempts, inner }: Item, chosen: boolean, first: boolean): VNode {
  return (
    <li
      key={name}
      role="treeitem"
      tabIndex={first ? 0 : -1}
      aria-label={label}
      aria-selected={chosen}
      aria-level={level}
      aria-expanded={inner > 0 ? true : undefined}
      data-stage={name}
      data-status={status}
      data-attempt={attempts > 0 ? attempts : undefined}
    >
      <span class="item">
        <Glyph status={status} />
        <span class="clip">{shown}</span>
        {attempts > 1 ? <span class="times soft small" data-times={attempts} /> : null}
      </span>
    </li>
  );
}
