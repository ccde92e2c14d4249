/** Who sends events, where to, whether their secret is here, and what became of the last of them. */
import { useState } from 'preact/hooks';
import { get } from '../../api/client';
import type { GivenEvent, SourceView } from '../../api/types';
import { useLoad } from '../../components/load';
import { Button, Empty, Glyph, Section, Skeleton, Time, Trouble, Words } from '../../components/parts';
import { runPlace } from '../../components/places';
import { tell } from '../../components/toast';
import { became, deliveriesOf } from './model';

/** The newest events in which deliveries are looked for. */
const SEEN = 500;

export function Webhooks() {
  const sources = useLoad('sources', () => get('/api/sources'));
  const events = useLoad('events', () => get('/api/events', { query: { limit: SEEN } }));
  if (sources.refused) return <Trouble refusal={sources.refused} again={sources.again} />;
  if (!sources.value) return <Skeleton rows={4} />;
  if (sources.value.data.length === 0) {
    return <Empty command={'sources: {forge: {kind: github, secret: {secret: FORGE}}}'}>Nobody sends events: name sources below sources: in config.yaml.</Empty>;
  }
  return (
    <>
      {sources.value.data.map((one) => (
        <Source key={one.name} source={one} events={deliveriesOf(events.value?.data ?? [], one.name)} ready={events.value !== undefined} again={events.again} />
      ))}
      {events.refused ? <Trouble refusal={events.refused} again={events.again} /> : null}
    </>
  );
}

function Source({ source, events, ready, again }: { source: SourceView; events: readonly GivenEvent[]; ready: boolean; again: () => void }) {
  const address = location.origin + source.path;
  const copy = async () => {
    await navigator.clipboard.writeText(address);
    tell('Copied.');
  };
  return (
    <Section title={source.name} aside={<span class="tag">{source.kind}</span>}>
      <dl class="pairs">
        <dt>Address</dt>
        <dd class="together">
          <code class="wrap">{address}</code> <Button act={copy}>Copy</Button>
        </dd>
        <dt>{source.secrets.length > 1 ? 'Secrets' : 'Secret'}</dt>
        <dd>
          {source.secrets.map((one) => (
            <p key={one.place}>
              <Glyph status={one.problem ? 'failed' : 'succeeded'} /> <code>{one.place}</code> {one.problem ? <Words text={one.problem} /> : 'is here; it is never shown'}
            </p>
          ))}
        </dd>
        {source.api ? (
          <>
            <dt>Changed files</dt>
            <dd class="wrap">{source.mirror ? `from the clone ${source.mirror}, else from ${source.api}` : `asked of ${source.api}`}</dd>
          </>
        ) : source.mirror ? (
          <>
            <dt>Changed files</dt>
            <dd class="wrap">from the clone {source.mirror}</dd>
          </>
        ) : null}
      </dl>
      {events.length === 0 ? (
        <p class="soft small">{ready ? `None of the newest ${SEEN} events came from it. What is not signed with its secret is refused and not stored.` : ' '}</p>
      ) : (
        <ul class="rows" aria-label={`Deliveries of ${source.name}`}>
          {events.map((event) => (
            <Delivery key={event.id} event={event} />
          ))}
        </ul>
      )}
      {events.length > 0 ? (
        <Button kind="quiet" act={again}>
          Look again
        </Button>
      ) : null}
    </Section>
  );
}

function Delivery({ event }: { event: GivenEvent }) {
  const [open, setOpen] = useState(false);
  return (
    <li style={{ flexWrap: 'wrap' }} data-id={event.id}>
      <button type="button" class="button quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? '▾' : '▸'} <strong>{event.type}</strong>
      </button>
      <span class="grow soft small">
        {event.branch ?? event.tag ?? ''} {became(event)}
      </span>
      <span class="soft small num">
        <Time at={event.at} />
      </span>
      {open ? <Why id={event.id} /> : null}
    </li>
  );
}

/** What every trigger says to it, and why. */
function Why({ id }: { id: string }) {
  const judged = useLoad(id, () => get('/api/events/{id}/matches', { path: { id } }));
  if (judged.refused) return <Trouble refusal={judged.refused} again={judged.again} />;
  if (!judged.value) return <Skeleton rows={2} />;
  const { matches, pipelines } = judged.value;
  return (
    <div style={{ flexBasis: '100%', minWidth: 0, paddingBottom: '10px' }}>
      {matches.map((one) => (
        <p key={`${one.pipeline} ${one.trigger}`}>
          <Glyph status={one.run ? 'succeeded' : 'failed'} /> <strong>{one.pipeline}</strong> {one.trigger}: {one.run ? <a href={runPlace(one.run)}>{one.run}</a> : one.problem}
        </p>
      ))}
      {pipelines.length === 0 ? <p class="soft small">No pipeline has triggers.</p> : null}
      <ul class="verdicts">
        {pipelines.flatMap((one) =>
          one.triggers.map((verdict) => (
            <li key={`${one.pipeline} ${verdict.trigger}`} data-matches={verdict.matches}>
              <Glyph status={verdict.matches ? 'succeeded' : 'skipped'} />{' '}
              <strong>
                {one.pipeline} {verdict.trigger}
              </strong>{' '}
              {verdict.matches ? (one.enabled ? 'matches' : 'matches, but its pipeline is off') : 'does not match'}
              <p class="soft small">{verdict.reason.says}</p>
              {verdict.problem ? <p class="failed small">{verdict.problem}</p> : null}
            </li>
          )),
        )}
      </ul>
    </div>
  );
}
