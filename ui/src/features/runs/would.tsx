/** What a stage of a shadow run would have done, in the words of the server. */
import type { WouldHave } from '../../api/types';
import { Glyph, Words } from '../../components/parts';

export function Would({ of }: { of: readonly WouldHave[] | undefined }) {
  if (!of || of.length === 0) return null;
  return (
    <ul class="would-list" aria-label="What it would have done">
      {of.map((one, at) => (
        <li key={at} data-kind={one.kind}>
          <Glyph status="would_have" />
          <span class="wrap">
            <Words text={one.says} />
            {one.unknown && one.unknown.length > 0 ? <span class="soft"> (not known, because nothing ran: {one.unknown.join(', ')})</span> : null}
          </span>
        </li>
      ))}
    </ul>
  );
}
