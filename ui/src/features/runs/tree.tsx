/** The stages of a run as a tree: what the canvas shows, for everybody. */
import { useRef } from 'preact/hooks';
import type { StageView } from '../../api/types';
import { Glyph } from '../../components/parts';
import { spoken, treeOf } from './model';

interface Props {
  stages: readonly StageView[];
  chosen: string | undefined;
  choose: (name: string) => void;
}

export function StageTree({ stages, chosen, choose }: Props) {
  const box = useRef<HTMLUListElement>(null);
  const tree = treeOf(stages);
  const move = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const items = [...(box.current?.querySelectorAll<HTMLElement>('[role=treeitem]') ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    if (by !== 0) {
      event.preventDefault();
      items[Math.max(0, Math.min(items.length - 1, at + by))]?.focus();
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      const name = items[at]?.dataset['stage'];
      if (name !== undefined) choose(name);
    }
  };
  const first = chosen ?? tree[0]?.row?.name ?? tree[0]?.name;
  const item = (name: string, row: StageView | undefined, status: string, label: string, shown: string, level: 1 | 2, inner = 0) => (
    <li
      key={name}
      role="treeitem"
      tabIndex={name === first ? 0 : -1}
      aria-label={label}
      aria-selected={name === chosen}
      aria-level={level}
      aria-expanded={inner > 0 ? true : undefined}
      data-stage={name}
      data-status={status}
      data-attempt={row && row.attempts.length > 0 ? row.attempts.length : undefined}
      onClick={(event) => {
        event.stopPropagation();
        choose(name);
      }}
    >
      <span class="item">
        <Glyph status={status} />
        <span class="clip">{shown}</span>
        {row && row.attempts.length > 1 ? <span class="times soft small" data-times={row.attempts.length} /> : null}
      </span>
    </li>
  );
  return (
    <ul class="tree" role="tree" aria-label="Stages" ref={box} onKeyDown={move}>
      {tree.flatMap(({ name, row, status, instances }) => {
        const label = row ? spoken(row) : `${name}, ${instances.length} instances`;
        // Flat, with levels: an item is called by its own words alone.
        return [
          item(row?.name ?? name, row, status, label, name, 1, instances.length),
          ...instances.map((one) => item(one.name, one, one.status, spoken(one, instances.length), `${one.stage} ${one.instance} of ${one.instances ?? instances.length}`, 2)),
        ];
      })}
    </ul>
  );
}
