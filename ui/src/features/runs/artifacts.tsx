/** What stages left: each with a look into it, and what changed since an earlier attempt or run. */
import { useState } from 'preact/hooks';
import { get } from '../../api/client';
import type { ArtifactView, RunDetail, StageView } from '../../api/types';
import { FileChange } from '../../components/changes';
import { useLoad } from '../../components/load';
import { query, setQuery } from '../../components/location';
import { Empty, Skeleton, Trouble } from '../../components/parts';
import { runRef } from '../../components/places';
import { Preview } from '../../components/preview';
import { bytes } from '../../components/text';
import { useTopic } from '../../live/use';
import { leftOf, runsBefore, sameIn, type Left } from './artifacts.model';

export function Artifacts({ run, reference, stage }: { run: RunDetail; reference: string; stage: StageView | undefined }) {
  const list = useLoad(
    `${reference}/${stage?.name ?? ''}`,
    () => get('/api/artifacts', { query: { run: reference, limit: 500 } }),
    run.progress.settled,
  );
  const before = runsBefore(useTopic('pipeline', run.pipeline).value?.runs ?? [], run.pipeline, run.number);
  const against = query.value.get('against') ?? '';
  const theirs = useLoad(against === '' ? undefined : against, () => get('/api/artifacts', { query: { run: runRef(against), limit: 500 } }));
  const [open, setOpen] = useState<string | undefined>(undefined);
  if (list.refused) return <Trouble refusal={list.refused} again={list.again} />;
  if (!list.value) return <Skeleton rows={3} />;
  const shown = leftOf(list.value.data.filter((one) => !stage || one.stage === stage.name || one.stage === stage.stage));
  if (shown.length === 0) return <Empty>{stage ? 'This stage left no artifacts (yet).' : 'No stage left artifacts (yet).'}</Empty>;
  return (
    <>
      {before.length > 0 ? (
        <div class="filter">
          <label class="small" for="against">
            Compare with
          </label>
          <select id="against" value={against} onChange={(event) => setQuery({ against: event.currentTarget.value || undefined })}>
            <option value="">earlier attempts only</option>
            {before.slice(0, 30).map((one) => (
              <option key={one.id} value={one.name}>
                {one.name}
              </option>
            ))}
          </select>
        </div>
      ) : null}
      {theirs.refused ? <Trouble refusal={theirs.refused} /> : null}
      <ul class="rows">
        {shown.map((left) => {
          const other = against === '' ? undefined : sameIn(theirs.value?.data ?? [], left.artifact);
          return (
            <li key={left.artifact.id} style={{ flexWrap: 'wrap' }}>
              <Line left={left} other={other} open={open} turn={(to) => setOpen(open === to ? undefined : to)} />
            </li>
          );
        })}
      </ul>
    </>
  );
}

interface LineProps {
  left: Left;
  /** The same file of the run it is compared with. */
  other: ArtifactView | undefined;
  open: string | undefined;
  turn: (what: string) => void;
}

function Line({ left: { artifact, earlier }, other, open, turn }: LineProps) {
  const olders = [...(other ? [other] : []), ...earlier];
  const diffed = olders.find((older) => open === `${artifact.id}<${older.id}`);
  const isOpen = open === artifact.id;
  return (
    <>
      <button type="button" class="button quiet" aria-expanded={isOpen} onClick={() => turn(artifact.id)}>
        {isOpen ? '▾' : '▸'} <strong>{artifact.name}</strong>
      </button>
      <span class="grow soft small">
        {artifact.stage}, attempt {artifact.attempt} · {bytes(artifact.bytes)} · <code>{artifact.digest.slice(0, 8)}</code>
        {artifact.status === 'promoted' ? null : <span class="tag">{artifact.status}</span>}
      </span>
      {olders.map((older) => (
        <button type="button" key={older.id} class="button quiet" aria-expanded={diffed === older} onClick={() => turn(`${artifact.id}<${older.id}`)}>
          {older.digest === artifact.digest ? 'Same as' : 'Diff to'} {older === other ? older.run_name : `attempt ${older.attempt}`}
        </button>
      ))}
      <a class="button quiet" href={`/api/artifacts/${artifact.id}/download`} download>
        Download
      </a>
      {isOpen || diffed ? (
        <div style={{ flexBasis: '100%', minWidth: 0 }}>
          {diffed ? <FileChange id={artifact.id} against={diffed.id} label={`Differences of ${artifact.name}`} /> : <Preview artifact={artifact} />}
        </div>
      ) : null}
    </>
  );
}
