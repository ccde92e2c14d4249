/** What a run waits for, with the way to answer it. */
import type { RunDetail } from '../../api/types';
import { Glyph } from '../../components/parts';
import { inboxPlace } from '../../components/places';
import { useTopic } from '../../live/use';

export function Asks({ run }: { run: RunDetail }) {
  const inbox = useTopic('inbox').value;
  if (!inbox || run.paused_at) return null;
  const asked = [
    ...inbox.approvals.filter((one) => one.run === run.id && one.status === 'pending').map(({ id, stage, have, need }) => ({ id, stage, says: `waits for ${need === 1 ? 'an approval' : `approvals, ${have} of ${need}`}`, act: 'Review' })),
    ...inbox.inputs.filter((one) => one.run === run.id && one.status === 'open').map(({ id, stage }) => ({ id, stage, says: 'waits for its form', act: 'Fill in' })),
  ];
  return (
    <>
      {asked.slice(0, 3).map((one) => (
        <div key={one.id} class="notice attention" role="status" data-id={one.id}>
          <Glyph status={one.act === 'Review' ? 'waiting_approval' : 'waiting_input'} />
          <span class="grow">
            <strong>{one.stage}</strong> {one.says}.
          </span>
          <a class="button plain" href={inboxPlace(one.id)}>
            {one.act}
          </a>
        </div>
      ))}
      {asked.length > 3 ? (
        <p class="soft small">
          and {asked.length - 3} more in the <a href="/inbox">inbox</a>
        </p>
      ) : null}
    </>
  );
}
