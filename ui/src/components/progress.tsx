/** How far a run is, as a bar of its stages. */
import type { Progress as Counts } from '../api/types';
import { bar } from './bar';

export function Progress({ of }: { of: Counts }) {
  const { settled, total } = of;
  return (
    <span class="num" title="Stages, each instance counted">
      <span class="bar" role="img" aria-label={`${settled} of ${total} stages`}>
        {bar(of).map(({ hue, share }) => (
          <i key={hue} class={hue} style={{ width: `${share * 100}%` }} />
        ))}
      </span>{' '}
      <span class="soft small">
        {settled}/{total}
      </span>
    </span>
  );
}
