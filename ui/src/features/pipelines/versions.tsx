/** `/pipelines/:name/versions/:v..:w`: what is different between two versions of a definition. */
import { useEffect, useMemo } from 'preact/hooks';
import { get } from '../../api/client';
import { lineDiff } from '../../components/diff';
import { useLoad } from '../../components/load';
import { navigate } from '../../components/location';
import { markUseful } from '../../components/marks';
import { Empty, PageHead, Skeleton, Time, Trouble } from '../../components/parts';
import { pipelinePlace, versionsPlace, type Matched } from '../../components/places';
import { rangeOf } from './model';

export function Versions({ params }: { params: Matched }) {
  const name = params['name'] ?? '';
  const range = rangeOf(params['range'] ?? '');
  const all = useLoad(name, () => get('/api/pipelines/{name}/revisions', { path: { name }, query: { limit: 1000 } }));
  useEffect(() => {
    if (all.value) markUseful();
  }, [all.value !== undefined]);
  const revisions = all.value?.data ?? [];
  const older = revisions.find((one) => one.number === range?.from);
  const newer = revisions.find((one) => one.number === range?.to);
  const lines = useMemo(() => (older && newer ? lineDiff(older.definition, newer.definition) : undefined), [older, newer]);
  const plus = lines?.filter((line) => line.kind === '+').length ?? 0;
  const minus = lines?.filter((line) => line.kind === '-').length ?? 0;
  const go = (from: number, to: number) => navigate(versionsPlace(name, from, to), { replace: true });
  if (all.refused) return <Trouble refusal={all.refused} again={all.again} />;
  if (!all.value) return <Skeleton rows={8} />;
  return (
    <>
      <PageHead title={name}>
        <a class="button" href={pipelinePlace(name, 'definition')}>
          Definition
        </a>
      </PageHead>
      <div class="filter">
        {(['from', 'to'] as const).map((end) => (
          <select
            key={end}
            aria-label={end === 'from' ? 'Older version' : 'Newer version'}
            value={String(range?.[end] ?? '')}
            onChange={(event) => {
              const chosen = Number(event.currentTarget.value);
              go(end === 'from' ? chosen : (range?.from ?? 1), end === 'to' ? chosen : (range?.to ?? chosen));
            }}
          >
            {revisions.map((one) => (
              <option key={one.number} value={String(one.number)}>
                r{one.number} by {one.created_by}
              </option>
            ))}
          </select>
        ))}
        {lines ? (
          <span class="num small">
            <span class="success">+{plus}</span> <span class="failed">-{minus}</span>
          </span>
        ) : null}
      </div>
      {newer ? (
        <p class="soft small">
          r{newer.number} by {newer.created_by} <Time at={newer.created_at} />
        </p>
      ) : null}
      {!lines ? (
        <Empty>There are no such versions: an address ends in r1..r2, of r1 to r{revisions[0]?.number ?? 1}.</Empty>
      ) : plus + minus === 0 ? (
        <Empty>Both say the same.</Empty>
      ) : (
        <pre class="code diff" tabIndex={0} aria-label={`Differences from r${range?.from} to r${range?.to}`}>
          {lines.map((line, at) => (
            <span key={at} class={line.kind === '+' ? 'plus' : line.kind === '-' ? 'minus' : line.kind === '@' ? 'part' : ''}>
              {line.kind === '@' ? `… ${line.text}` : `${line.kind} ${line.text}`}
            </span>
          ))}
        </pre>
      )}
    </>
  );
}
