/** The agents of a stage: what they were asked, what they said and did, what waits for people, and what it cost. */
import { useState } from 'preact/hooks';
import { get } from '../../../api/client';
import type { RunDetail, StageView } from '../../../api/types';
import { useLoad } from '../../../components/load';
import { query, setQuery } from '../../../components/location';
import { Empty, Glyph, Skeleton, Trouble } from '../../../components/parts';
import { dollars, thousands } from '../../../components/text';
import { useTopic } from '../../../live/use';
import { AskBox } from './ask';
import { Items } from './items';
import { attemptsOf, lanesOf, openAsks, tokensOf, type Lane, type Usage } from './model';
import { useTalk } from './source';
import { Takeover } from './takeover';

export function AgentTab(of: { run: RunDetail; reference: string; stage: StageView }) {
  return (
    <>
      <Takeover {...of} />
      <Talk {...of} />
    </>
  );
}

function Talk({ run, reference, stage }: { run: RunDetail; reference: string; stage: StageView }) {
  const talk = useTalk(reference, run.id, stage.name);
  const [thoughts, setThoughts] = useState(false);
  const inbox = useTopic('inbox').value;
  const cost = useLoad(`${run.id}/${stage.name}/cost`, () => get('/api/runs/{run}/cost', { path: { run: reference } }), stage.attempts.length + run.progress.settled);
  if (talk.refused && talk.all.length === 0) return <Trouble refusal={talk.refused} />;
  if (!talk.ready) return <Skeleton rows={5} />;
  const attempts = attemptsOf(talk.all);
  const wanted = Number(query.value.get('attempt') ?? Number.NaN);
  const attempt = attempts.find((one) => one.number === wanted) ?? attempts.at(-1);
  if (!attempt) return <Empty>No agent has begun.</Empty>;
  const { shared, lanes } = lanesOf(attempt, talk.all);
  const ours = cost.value?.stages.find((one) => one.stage === stage.name);
  const waiting = openAsks(attempt);
  const gates = (inbox?.approvals ?? []).filter((gate) => gate.run === run.id && gate.stage === stage.name && (gate.kind === 'question' || gate.kind === 'permission'));
  return (
    <div class="talk" data-attempt={attempt.number}>
      <div class="talk-head">
        {attempts.length > 1 ? (
          <select aria-label="Attempt" value={String(attempt.number)} onChange={(event) => setQuery({ attempt: event.currentTarget.value })}>
            {attempts.map((one) => (
              <option key={one.number} value={String(one.number)}>
                attempt {one.number} of {attempts.length}
              </option>
            ))}
          </select>
        ) : null}
        <span>{lanes.map((lane) => lane.who || stage.name).join(', ')}</span>
        <span class="rest" />
        {attempt.usage ? <Spent usage={attempt.usage} /> : null}
        {ours && ours.calls > 0 ? <span class="soft small">all attempts {dollars(ours.nano_usd)}</span> : null}
        <label class="check small">
          <input type="checkbox" checked={thoughts} onChange={(event) => setThoughts(event.currentTarget.checked)} /> thoughts
        </label>
      </div>
      {attempt.verdict ? (
        <div class={`verdict ${attempt.verdict.outcome === 'succeeded' ? 'success' : 'failed'}`} data-verdict={attempt.verdict.outcome}>
          <Glyph status={attempt.verdict.outcome === 'succeeded' ? 'succeeded' : 'failed'} /> <strong>{attempt.verdict.outcome.replaceAll('_', ' ')}</strong>
          {attempt.verdict.says ? <span class="wrap">{attempt.verdict.says}</span> : null}
        </div>
      ) : null}
      {gates.map((gate) => (
        <AskBox key={gate.id} gate={gate} />
      ))}
      {gates.length === 0 && waiting.length > 0 ? <p class="notice attention">It waits for an answer: {waiting.map((ask) => ask.question).join('; ')}</p> : null}
      {shared.length > 0 ? <Items items={shared} thoughts={thoughts} /> : null}
      {lanes.length > 1 ? (
        <div class="lanes">
          {lanes.map((lane) => (
            <LaneView key={lane.who} lane={lane} thoughts={thoughts} />
          ))}
        </div>
      ) : (
        <Items items={lanes[0]?.items ?? []} thoughts={thoughts} />
      )}
    </div>
  );
}

function LaneView({ lane, thoughts }: { lane: Lane; thoughts: boolean }) {
  return (
    <section class="lane" aria-label={lane.who} data-agent={lane.who}>
      <h3>
        {lane.who} {lane.usage ? <Spent usage={lane.usage} /> : null}
      </h3>
      <Items items={lane.items} thoughts={thoughts} />
    </section>
  );
}

export function Spent({ usage }: { usage: Usage }) {
  const parts = [`${thousands(usage.input_tokens)} in`, `${thousands(usage.output_tokens)} out`];
  if (usage.cache_read_tokens > 0) parts.push(`${thousands(usage.cache_read_tokens)} from the cache`);
  return (
    <span class="soft small num" title={`${usage.calls} calls: ${parts.join(', ')}${usage.source === 'gateway' ? '' : `; figures of: ${usage.source}`}`}>
      {thousands(tokensOf(usage))} tokens, {dollars(usage.nano_usd)}
    </span>
  );
}
