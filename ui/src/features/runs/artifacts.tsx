/** What stages left: each with a look into it. */
import { useState } from 'preact/hooks';
import { get } from '../../api/client';
import type { ArtifactView, RunDetail, StageView } from '../../api/types';
import { useLoad } from '../../components/load';
import { Empty, Skeleton, Trouble } from '../../components/parts';
import { Preview } from '../../components/preview';
import { bytes } from '../../components/text';

export function Artifacts({ run, reference, stage }: { run: RunDetail; reference: string; stage: StageView | undefined }) {
  const list = useLoad(
    `${reference}/${stage?.name ?? ''}`,
    () => get('/api/artifacts', { query: { run: reference, limit: 500 } }),
    run.progress.settled,
  );
  const [open, setOpen] = useState<string | undefined>(undefined);
  if (list.refused) return <Trouble refusal={list.refused} again={list.again} />;
  if (!list.value) return <Skeleton rows={3} />;
  const shown = list.value.data.filter((one) => !stage || one.stage === stage.name || one.stage === stage.stage);
  if (shown.length === 0) return <Empty>{stage ? 'This stage left no artifacts (yet).' : 'No stage left artifacts (yet).'}</Empty>;
  return (
    <ul class="rows">
      {shown.map((one) => (
        <li key={one.id} style={{ flexWrap: 'wrap' }}>
          <ArtifactLine artifact={one} open={open === one.id} turn={() => setOpen(open === one.id ? undefined : one.id)} />
        </li>
      ))}
    </ul>
  );
}

function ArtifactLine({ artifact, open, turn }: { artifact: ArtifactView; open: boolean; turn: () => void }) {
  return (
    <>
      <button type="button" class="button quiet" aria-expanded={open} onClick={turn}>
        {open ? '▾' : '▸'} <strong>{artifact.name}</strong>
      </button>
      <span class="grow soft small">
        {artifact.stage}, attempt {artifact.attempt} · {bytes(artifact.bytes)} · <code>{artifact.digest.slice(0, 8)}</code>
        {artifact.status === 'promoted' ? null : <span class="tag">{artifact.status}</span>}
      </span>
      <a class="button quiet" href={`/api/artifacts/${artifact.id}/download`} download>
        Download
      </a>
      {open ? (
        <div style={{ flexBasis: '100%' }}>
          <Preview artifact={artifact} />
        </div>
      ) : null}
    </>
  );
}

