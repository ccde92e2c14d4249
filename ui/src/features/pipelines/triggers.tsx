/** What starts runs of a pipeline by itself. */
import { useState } from 'preact/hooks';
import { get, post } from '../../api/client';
import type { PipelineDetail, PipelineVerdict } from '../../api/types';
import { useLoad } from '../../components/load';
import { Button, Empty, Glyph, Section, Time } from '../../components/parts';
import { attempt } from '../../components/toast';

export function Triggers({ detail }: { detail: PipelineDetail }) {
  const triggers = detail.triggers ?? [];
  if (triggers.length === 0) {
    return <Empty command={`orchestrate pipeline run ${detail.name}`}>Nothing starts it by itself: it has no triggers. People and programs start it.</Empty>;
  }
  return (
    <>
      <Listed detail={detail} />
      <Try name={detail.name} />
    </>
  );
}

function Listed({ detail }: { detail: PipelineDetail }) {
  const triggers = detail.triggers ?? [];
  const schedules = useLoad(triggers.some((one) => one.kind === 'schedule') ? detail.name : undefined, () => get('/api/schedules', { query: { pipeline: detail.name } }), detail.revision);
  const of = (trigger: string) => schedules.value?.data.find((one) => one.trigger === trigger);
  return (
    <div class="scroll-x">
      <table class="stack">
        <thead>
          <tr>
            <th>Trigger</th>
            <th>Kind</th>
            <th>When</th>
            <th>Next</th>
            <th>Last</th>
            <th class="right">Passed over</th>
          </tr>
        </thead>
        <tbody>
          {triggers.map((trigger) => (
            <tr key={trigger.name}>
              <td class="name">
                <strong>{trigger.name}</strong>
              </td>
              <td class="soft">{trigger.kind}</td>
              <td>{trigger.says}</td>
              <td class="soft num">{trigger.next ? <Time at={trigger.next} /> : '-'}</td>
              <td class="soft num">{of(trigger.name)?.last ? <Time at={of(trigger.name)?.last} /> : '-'}</td>
              <td class="soft num right" title="Times that went by while the server was down">
                {of(trigger.name)?.skipped ?? '-'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What each trigger would say to an event, and why. Nothing is stored and nothing is started. */
function Try({ name }: { name: string }) {
  const [type, setType] = useState('push');
  const [data, setData] = useState('{"branch": "main"}');
  const [judged, setJudged] = useState<PipelineVerdict[] | undefined>(undefined);
  const [problem, setProblem] = useState('');
  const ask = async () => {
    setProblem('');
    let given: Record<string, unknown>;
    try {
      given = JSON.parse(data === '' ? '{}' : data) as Record<string, unknown>;
    } catch {
      setProblem('This is not JSON.');
      return;
    }
    await attempt(async () => {
      const found = await post('/api/triggers/test', { body: { event: { type, data: given }, pipeline: name } });
      setJudged(found.pipelines);
    });
  };
  return (
    <Section title="Try an event">
      <div class="filter">
        <input aria-label="Type of the event" value={type} class="mono" style={{ width: '200px' }} onInput={(event) => setType(event.currentTarget.value)} />
        <input aria-label="Data of the event, in JSON" value={data} class="mono" style={{ flex: 1, minWidth: '200px' }} aria-invalid={problem ? 'true' : undefined} onInput={(event) => setData(event.currentTarget.value)} />
        <Button act={ask} why={type === '' ? 'Say of which type it is.' : undefined}>
          Try
        </Button>
      </div>
      {problem ? <p class="failed small">{problem}</p> : <p class="soft small">Nothing is stored and nothing is started: each trigger says whether it would, and why.</p>}
      <ul class="verdicts">
        {(judged ?? []).flatMap((one) =>
          one.triggers.map((verdict) => (
            <li key={verdict.trigger} data-matches={verdict.matches}>
              <Glyph status={verdict.matches ? 'succeeded' : 'skipped'} /> <strong>{verdict.trigger}</strong> {verdict.matches ? (one.enabled ? 'would start a run' : 'matches, but its pipeline is off') : 'does not match'}
              <p class="soft small">{verdict.reason.says}</p>
              {verdict.problem ? <p class="failed small">{verdict.problem}</p> : null}
            </li>
          )),
        )}
      </ul>
      {judged?.length === 0 ? <p class="empty small">It has no triggers.</p> : null}
    </Section>
  );
}
