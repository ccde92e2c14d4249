/** The text of a pipeline, its versions, and what is different between two of them. */
import { useMemo, useState } from 'preact/hooks';
import { get } from '../../api/client';
import type { PipelineDetail } from '../../api/types';
import { lineDiff } from '../../components/diff';
import { useLoad } from '../../components/load';
import { Section, Time, Trouble } from '../../components/parts';
import { versionsPlace } from '../../components/places';
import { Yaml } from '../../components/yaml';

export function Definition({ detail }: { detail: PipelineDetail }) {
  const name = detail.name;
  const revisions = useLoad(name, () => get('/api/pipelines/{name}/revisions', { path: { name }, query: { limit: 50 } }), detail.revision);
  const [older, setOlder] = useState<number | undefined>(undefined);
  const other = revisions.value?.data.find((one) => one.number === older);
  const lines = useMemo(() => (other ? lineDiff(other.definition, detail.definition) : undefined), [other, detail.definition]);
  return (
    <div class="two">
      <div>
        {lines ? (
          <pre class="code diff" tabIndex={0} aria-label={`Differences from r${older} to r${detail.revision}`}>
            {lines.map((line, at) => (
              <span key={at} class={line.kind === '+' ? 'plus' : line.kind === '-' ? 'minus' : line.kind === '@' ? 'part' : ''}>
                {line.kind === '@' ? `… ${line.text}` : `${line.kind} ${line.text}`}
              </span>
            ))}
          </pre>
        ) : (
          <Yaml text={detail.definition} />
        )}
      </div>
      <Section title="Versions" count={revisions.value?.data.length}>
        {revisions.refused ? <Trouble refusal={revisions.refused} /> : null}
        <ul class="rows">
          {(revisions.value?.data ?? []).map((one) => (
            <li key={one.number}>
              <strong class="num">{one.number > 1 ? <a href={versionsPlace(name, one.number - 1, one.number)} title={`What r${one.number} changed`}>r{one.number}</a> : 'r1'}</strong>
              <span class="grow soft">
                {one.created_by} · <Time at={one.created_at} />
              </span>
              {one.number === detail.revision ? (
                <span class="tag">current</span>
              ) : (
                <button type="button" class="button quiet" aria-pressed={older === one.number} onClick={() => setOlder(older === one.number ? undefined : one.number)}>
                  {older === one.number ? 'Text' : 'Compare'}
                </button>
              )}
            </li>
          ))}
        </ul>
        <p class="soft small">
          Digest <code>{detail.digest.slice(0, 12)}</code>
        </p>
      </Section>
    </div>
  );
}
