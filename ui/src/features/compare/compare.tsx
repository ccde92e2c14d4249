/** `/compare?a=&b=`: what is different between two runs, and nothing else. */
import { useEffect } from 'preact/hooks';
import { get } from '../../api/client';
import type { Comparison, RunSummary } from '../../api/types';
import { FileChange, Unified } from '../../components/changes';
import { useLoad } from '../../components/load';
import { query, setQuery } from '../../components/location';
import { markUseful } from '../../components/marks';
import { Empty, PageHead, Section, Skeleton, Status, Took, Trouble } from '../../components/parts';
import { runPlace, runRef } from '../../components/places';
import { runStatus } from '../../components/status';
import { duration, inline } from '../../components/text';
import { useTopic } from '../../live/use';

/** `+2.0s`, `-1m02s`; nothing when one of them is not there. Pure. */
export function delta(a: number | null | undefined, b: number | null | undefined): string {
  if (typeof a !== 'number' || typeof b !== 'number') return '';
  return a === b ? '' : `${b > a ? '+' : '-'}${duration(Math.abs(b - a))}`;
}

export function Compare() {
  const a = query.value.get('a') ?? '';
  const b = query.value.get('b') ?? '';
  const all = query.value.get('all') === '1';
  const both = a !== '' && b !== '';
  const found = useLoad(both ? `${a} ${b}` : undefined, () => get('/api/runs/compare', { query: { a: runRef(a), b: runRef(b) } }));
  const runs = useTopic('runs').value?.runs ?? [];
  useEffect(() => {
    if (found.value || !both) markUseful();
  }, [found.value, both]);
  return (
    <>
      <PageHead title="Compare">
        <label class="check">
          <input type="checkbox" checked={!all} onChange={(event) => setQuery({ all: event.currentTarget.checked ? undefined : '1' })} /> differences only
        </label>
      </PageHead>
      <div class="filter">
        <Chooser label="Run A" runs={runs} value={a} choose={(name) => setQuery({ a: name })} />
        <Chooser label="Run B" runs={runs} value={b} choose={(name) => setQuery({ b: name })} />
      </div>
      {found.refused ? <Trouble refusal={found.refused} again={found.again} /> : null}
      {!both ? <Empty command="orchestrate runs compare nightly#1 nightly#2">Choose two runs.</Empty> : found.value ? <Shown of={found.value} all={all} /> : found.refused ? null : <Skeleton rows={6} />}
    </>
  );
}

function Chooser({ label, runs, value, choose }: { label: string; runs: readonly RunSummary[]; value: string; choose: (name: string) => void }) {
  const names = runs.map((run) => run.name);
  return (
    <select aria-label={label} value={value} onChange={(event) => choose(event.currentTarget.value)}>
      <option value="">{label}</option>
      {value !== '' && !names.includes(value) ? <option value={value}>{value}</option> : null}
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

function Shown({ of, all }: { of: Comparison; all: boolean }) {
  const stages = of.stages.filter((one) => all || one.a?.status !== one.b?.status || one.a?.attempts !== one.b?.attempts || one.outputs.length > 0);
  return (
    <>
      <div class="figures">
        {[of.a, of.b].map((run, at) => (
          <div key={at}>
            <span class="label">{at === 0 ? 'A' : 'B'}</span>
            <span class="value">
              <a href={runPlace(run.name)}>{run.name}</a>
            </span>
            <span class="run-facts">
              <Status status={runStatus(run)} /> <Took from={run.started_at} to={run.finished_at} />
            </span>
          </div>
        ))}
      </div>
      <Differences title="Inputs" rows={of.inputs} />
      {of.definition ? (
        <Section title="Definition">
          <Unified text={of.definition} label="Differences of the definition" />
        </Section>
      ) : null}
      <Section title="Stages" count={stages.length}>
        {stages.length === 0 ? (
          <p class="empty small">All stages went alike.</p>
        ) : (
          <div class="scroll-x">
            <table class="stack">
              <thead>
                <tr>
                  <th>Stage</th>
                  <th>A</th>
                  <th>B</th>
                  <th class="right">A took</th>
                  <th class="right">B took</th>
                  <th class="right">Difference</th>
                </tr>
              </thead>
              <tbody>
                {stages.map((one) => (
                  <tr key={one.stage} data-stage={one.stage}>
                    <td class="name">
                      <strong>{one.stage}</strong>
                    </td>
                    <td>{one.a ? <Status status={one.a.status} /> : '-'}</td>
                    <td>{one.b ? <Status status={one.b.status} /> : '-'}</td>
                    <td class="right num">{typeof one.a?.duration_ms === 'number' ? duration(one.a.duration_ms) : '-'}</td>
                    <td class="right num">{typeof one.b?.duration_ms === 'number' ? duration(one.b.duration_ms) : '-'}</td>
                    <td class="right num">{delta(one.a?.duration_ms, one.b?.duration_ms)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Section>
      <Differences title="Outputs" rows={of.outputs} />
      <Files of={of} all={all} />
    </>
  );
}

function Files({ of, all }: { of: Comparison; all: boolean }) {
  const open = query.value.get('file') ?? '';
  const shown = of.artifacts.filter((one) => all || !one.same);
  if (shown.length === 0) return null;
  return (
    <Section title="Artifacts" count={shown.length}>
      <ul class="rows">
        {shown.map((one) => {
          const id = `${one.stage}/${one.name}`;
          const both = one.a && one.b && !one.same ? { a: one.a, b: one.b } : undefined;
          return (
            <li key={id} style={{ flexWrap: 'wrap' }}>
              <strong>{one.name}</strong>
              <span class="grow soft">{one.stage}</span>
              <span class="tag">{one.same ? 'the same' : one.a && one.b ? 'different' : one.a ? 'only in A' : 'only in B'}</span>
              {both ? (
                <button type="button" class="button quiet" aria-expanded={open === id} onClick={() => setQuery({ file: open === id ? undefined : id })}>
                  {open === id ? 'Hide' : 'Diff'}
                </button>
              ) : null}
              {both && open === id ? (
                <div style={{ flexBasis: '100%', minWidth: 0 }}>
                  <FileChange id={both.b} against={both.a} label={`Differences of ${id}`} />
                </div>
              ) : null}
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

function Differences({ title, rows }: { title: string; rows: Comparison['inputs'] }) {
  if (rows.length === 0) return null;
  return (
    <Section title={title} count={rows.length}>
      <table>
        <tbody>
          {rows.map((one) => (
            <tr key={one.name}>
              <td>
                <strong>{one.name}</strong>
              </td>
              <td class="mono wrap">{inline(one.a ?? null)}</td>
              <td class="mono wrap">{inline(one.b ?? null)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}
