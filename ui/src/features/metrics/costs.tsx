/** What models used and cost by run, task or pipeline: added up by the server. */
import { useState } from 'preact/hooks';
import { get } from '../../api/client';
import { query, setQuery } from '../../components/location';
import { useLoad } from '../../components/load';
import { Section, Skeleton, Trouble } from '../../components/parts';
import { pipelinePlace, runPlace, taskPlace } from '../../components/places';
import { count, dollars, thousands } from '../../components/text';

const BY = [
  ['pipeline', 'Pipeline'],
  ['task', 'Task'],
  ['run', 'Run'],
] as const;
type By = (typeof BY)[number][0];

const DAYS = [
  ['1', 'the last day'],
  ['7', '7 days'],
  ['30', '30 days'],
  ['', 'all time'],
] as const;

const placeOf = (by: By, name: string): string => (by === 'run' ? runPlace(name) : by === 'task' ? taskPlace(name) : pipelinePlace(name, 'metrics'));

export function Costs() {
  const by = BY.find(([id]) => id === query.value.get('by'))?.[0] ?? 'pipeline';
  const [days, setDays] = useState<string>('30');
  const list = useLoad(`${by} ${days}`, () => get('/api/costs', { query: { by, limit: 50, ...(days ? { days: Number(days) } : {}) } }));
  const rows = list.value?.data ?? [];
  return (
    <Section
      title="Cost"
      aside={
        <span class="together">
          <fieldset class="segments">
            <legend class="sr">Add up by</legend>
            {BY.map(([id, label]) => (
              <button type="button" key={id} aria-pressed={by === id} onClick={() => setQuery({ by: id === 'pipeline' ? undefined : id })}>
                {label}
              </button>
            ))}
          </fieldset>
          <select aria-label="Of which time" value={days} onChange={(event) => setDays(event.currentTarget.value)}>
            {DAYS.map(([id, label]) => (
              <option key={id} value={id}>
                {label}
              </option>
            ))}
          </select>
        </span>
      }
    >
      {list.refused ? <Trouble refusal={list.refused} again={list.again} /> : null}
      {!list.value ? (
        list.refused ? null : <Skeleton rows={3} />
      ) : rows.length === 0 ? (
        <p class="empty small">No model was asked {by === 'task' ? 'for a task' : ''} in this time. Scripts and scripted agents cost nothing.</p>
      ) : (
        <div class="scroll-x">
          <table class="stack" aria-label={`Cost by ${by}`}>
            <thead>
              <tr>
                <th>{BY.find(([id]) => id === by)?.[1]}</th>
                <th class="right">{by === 'run' ? 'Calls' : 'Runs'}</th>
                <th class="right">Tokens in</th>
                <th class="right">from cache</th>
                <th class="right">Tokens out</th>
                <th class="right">Cost</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.name} data-name={row.name}>
                  <td class="name">
                    <a href={placeOf(by, row.name)}>{row.name}</a>
                  </td>
                  <td class="right num">{thousands(by === 'run' ? row.calls : row.runs)}</td>
                  <td class="right num">{thousands(row.input_tokens)}</td>
                  <td class="right num">{thousands(row.cache_read_tokens + row.cache_write_tokens)}</td>
                  <td class="right num">{thousands(row.output_tokens)}</td>
                  <td class="right num">
                    {row.nano_usd === null || row.nano_usd === undefined ? (
                      <span class="soft" title={`No price is known for ${count(row.unpriced_calls, 'call')}: models.prices in config.yaml`}>
                        unknown
                      </span>
                    ) : (
                      <>
                        {row.estimated ? 'about ' : ''}
                        {dollars(row.nano_usd)}
                      </>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.some((row) => row.unpriced_calls > 0) ? (
        <p class="soft small">
          Unknown: some model has no price below <code>models.prices</code> in config.yaml. A part of a cost is never shown as all of it.
        </p>
      ) : null}
    </Section>
  );
}
