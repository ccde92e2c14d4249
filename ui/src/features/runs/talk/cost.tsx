/** What the models of a run used, and what that cost: by stage, and by model. */
import { get } from '../../../api/client';
import type { RunDetail } from '../../../api/types';
import { useLoad } from '../../../components/load';
import { Empty, Section, Skeleton, Trouble } from '../../../components/parts';
import { runPlace } from '../../../components/places';
import { dollars, thousands } from '../../../components/text';

type Used = { calls: number; input_tokens: number; output_tokens: number; cache_read_tokens: number; cache_write_tokens: number; nano_usd?: number | null };

export function RunCost({ run, reference }: { run: RunDetail; reference: string }) {
  const cost = useLoad(`${run.id}/cost`, () => get('/api/runs/{run}/cost', { path: { run: reference } }), run.progress.settled);
  if (cost.refused) return <Trouble refusal={cost.refused} again={cost.again} />;
  if (!cost.value) return <Skeleton rows={3} />;
  const { total, stages, models } = cost.value;
  if (total.calls === 0) return <Empty>No model was called in this run (yet).</Empty>;
  return (
    <>
      <dl class="figures">
        <div>
          <dt>Cost</dt>
          <dd class="value num">{dollars(total.nano_usd)}</dd>
        </div>
        <div>
          <dt>Tokens in</dt>
          <dd class="value num">{thousands(total.input_tokens + total.cache_read_tokens + total.cache_write_tokens)}</dd>
        </div>
        <div>
          <dt>Tokens out</dt>
          <dd class="value num">{thousands(total.output_tokens)}</dd>
        </div>
        <div>
          <dt>Calls</dt>
          <dd class="value num">{thousands(total.calls)}</dd>
        </div>
      </dl>
      {total.unpriced_calls > 0 ? <p class="soft small">The price of {thousands(total.unpriced_calls)} calls is not known: `models` in config.yaml names prices.</p> : null}
      {total.estimated ? <p class="soft small">Some of it is an estimate: the provider did not say.</p> : null}
      <Section title="By stage">
        <Table head="Stage" rows={stages.map((one) => ({ name: one.stage, href: runPlace(run.name, { stage: one.stage, tab: 'agent' }), of: one }))} />
      </Section>
      <Section title="By model">
        <Table head="Model" rows={models.map((one) => ({ name: `${one.provider} ${one.model}`, href: undefined, of: one }))} />
      </Section>
    </>
  );
}

function Table({ head, rows }: { head: string; rows: { name: string; href: string | undefined; of: Used }[] }) {
  return (
    <div class="scroll-x">
      <table>
        <thead>
          <tr>
            <th>{head}</th>
            <th class="right">Calls</th>
            <th class="right">In</th>
            <th class="right">Out</th>
            <th class="right">Cost</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, href, of }) => (
            <tr key={name}>
              <td>{href ? <a href={href}>{name}</a> : name}</td>
              <td class="right num">{thousands(of.calls)}</td>
              <td class="right num">{thousands(of.input_tokens + of.cache_read_tokens + of.cache_write_tokens)}</td>
              <td class="right num">{thousands(of.output_tokens)}</td>
              <td class="right num">{dollars(of.nano_usd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
