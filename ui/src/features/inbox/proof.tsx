/** What somebody agrees to: what would be done, what it builds on, and how that went last time. */
import { useState } from 'preact/hooks';
import { get } from '../../api/client';
import type { ApprovalDetail, ArtifactView } from '../../api/types';
import { FileChange } from '../../components/changes';
import { useLoad } from '../../components/load';
import { Section, Status, Time, Took } from '../../components/parts';
import { inboxPlace, runPlace, runRef } from '../../components/places';
import { Preview } from '../../components/preview';
import { bytes, count, dollars } from '../../components/text';
import { evidenceOf, lookInto, type Part } from './evidence';

export function Proof({ gate }: { gate: ApprovalDetail }) {
  const evidence = evidenceOf(gate.shown);
  const ofRun = useLoad(gate.run, () => get('/api/artifacts', { query: { run: gate.run, limit: 200 } }));
  const files = lookInto(gate.artifacts, ofRun.value?.data ?? [], evidence.laid);
  const before = useLoad(`before ${gate.id}`, () => lastApproved(gate));
  return (
    <Section title="Evidence">
      {evidence.parts.map((part) => (
        <Shown key={part.label} part={part} />
      ))}
      {files.length > 0 ? <Files files={files} before={before.value?.files ?? []} of={before.value?.gate.run_name ?? ''} /> : null}
      <Before gate={gate} />
      <dl class="pairs" style={{ paddingTop: '12px' }}>
        {evidence.facts.map(([label, value]) => (
          <>
            <dt>{label}</dt>
            <dd class="wrap">{value}</dd>
          </>
        ))}
        {before.value ? (
          <>
            <dt>Approved before</dt>
            <dd>
              <a href={inboxPlace(before.value.gate.id)}>{before.value.gate.run_name}</a> <Time at={before.value.gate.resolved_at} />
            </dd>
          </>
        ) : null}
      </dl>
      <p class="soft small" style={{ paddingTop: '8px' }}>
        A decision counts for exactly this: <code>{gate.digest.slice(0, 12)}</code>
      </p>
    </Section>
  );
}

export function Shown({ part }: { part: Part }) {
  return (
    <div class="field" style={{ paddingTop: '12px' }}>
      <span class="label">{part.label}</span>
      {part.kind === 'rows' ? (
        <table class="named">
          <tbody>
            {part.rows.map(([name, value]) => (
              <tr key={name}>
                <td class="soft">{name}</td>
                <td class="mono wrap pre">{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <pre class={`code${part.kind === 'prose' ? ' prose' : ''}`} tabIndex={0} aria-label={part.label}>
          {part.text}
        </pre>
      )}
    </div>
  );
}

/** The same stage of an earlier run, when people last agreed to it. */
async function lastApproved(gate: ApprovalDetail) {
  const { data } = await get('/api/approvals', { query: { status: 'approved', limit: 200 } });
  const last = data.find((one) => one.pipeline === gate.pipeline && one.stage === gate.stage && one.kind === gate.kind && one.run !== gate.run && one.opened_at < gate.opened_at);
  if (!last) return undefined;
  const files = await get('/api/artifacts', { query: { run: last.run, limit: 200 } });
  return { gate: last, files: files.data.filter((one) => one.status !== 'dropped') };
}

/** Larger files are opened by hand. */
const LAID_OPEN = 65_536;

interface FilesProps {
  files: ReturnType<typeof lookInto>;
  before: readonly ArtifactView[];
  /** The run they are of. */
  of: string;
}

function Files({ files, before, of }: FilesProps) {
  // Laid open, so that it is seen before anything is decided.
  const first = files.filter(({ artifact, why }) => (files.length === 1 || why !== 'left before it') && artifact.bytes <= LAID_OPEN).slice(0, 3);
  const [turned, setTurned] = useState<Record<string, 'whole' | 'diff' | 'shut'>>({});
  const howOf = (id: string) => turned[id] ?? (first.some(({ artifact }) => artifact.id === id) ? 'whole' : 'shut');
  const turn = (id: string, how: 'whole' | 'diff') => setTurned({ ...turned, [id]: howOf(id) === how ? 'shut' : how });
  return (
    <ul class="rows">
      {files.map(({ artifact: one, why }) => {
        const old = before.find((other) => other.stage === one.stage && other.name === one.name && other.path === one.path);
        const how = howOf(one.id);
        return (
          <li key={one.id} style={{ flexWrap: 'wrap' }}>
            <button type="button" class="button quiet" aria-expanded={how === 'whole'} onClick={() => turn(one.id, 'whole')}>
              {how === 'whole' ? '▾' : '▸'} <strong>{one.name}</strong>
            </button>
            <span class="grow soft small">
              <span class="tag">{why}</span> from {one.stage}, attempt {one.attempt} · {bytes(one.bytes)} · <code>{one.digest.slice(0, 8)}</code>
            </span>
            {old ? (
              <button type="button" class="button quiet" aria-expanded={how === 'diff'} onClick={() => turn(one.id, 'diff')}>
                Diff to {of}
              </button>
            ) : null}
            <a class="button quiet" href={`/api/artifacts/${one.id}/download`} download>
              Download
            </a>
            {how !== 'shut' ? (
              <div style={{ flexBasis: '100%', minWidth: 0, paddingBottom: '12px' }}>
                {how === 'diff' && old ? <FileChange id={one.id} against={old.id} label={`${one.name}: from ${of} to now`} /> : <Preview artifact={one} />}
              </div>
            ) : null}
          </li>
        );
      })}
    </ul>
  );
}

/** How what comes before it went, and what the run cost so far. */
function Before({ gate }: { gate: ApprovalDetail }) {
  const reference = runRef(gate.run_name);
  const run = useLoad(gate.run, () => get('/api/runs/{run}', { path: { run: reference } }));
  if (!run.value) return null;
  const stages = run.value.stages;
  const own = stages.find((stage) => stage.name === gate.stage);
  const needed = stages.filter((stage) => own?.depends_on.includes(stage.stage));
  const usage = run.value.usage;
  return (
    <div class="field" style={{ paddingTop: '12px' }}>
      <span class="label">Comes after</span>
      <ul class="rows">
        {needed.map((stage) => (
          <li key={stage.name} data-stage={stage.name} data-status={stage.status}>
            <Status status={stage.status} />
            <span class="grow">
              <a href={runPlace(gate.run_name, { stage: stage.name, tab: 'log' })}>{stage.name}</a>{' '}
              <span class="soft small">
                {stage.attempts.length > 1 ? `${stage.attempts.length} attempts ` : ''}
                {stage.detail}
              </span>
            </span>
            <Took from={stage.started_at} to={stage.finished_at} />
          </li>
        ))}
        <li>
          <span class="grow soft">Cost so far: {usage && usage.calls > 0 ? `${count(usage.calls, 'call')} of models` : 'no model was asked'}</span>
          <span class="num">{usage && usage.calls > 0 ? dollars(usage.nano_usd) : '$0'}</span>
        </li>
      </ul>
    </div>
  );
}
