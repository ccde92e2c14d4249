/** Who is told what, and whether they can be reached. */
import { get, post } from '../../api/client';
import { useLoad } from '../../components/load';
import { Button, Empty, Skeleton, Trouble } from '../../components/parts';
import { attempt, tell } from '../../components/toast';
import { missing } from '../../components/who';

export function Notify() {
  const list = useLoad('targets', () => get('/api/notify/targets'));
  if (list.refused) return <Trouble refusal={list.refused} again={list.again} />;
  if (!list.value) return <Skeleton rows={4} />;
  if (list.value.data.length === 0) return <Empty command="docs/guide/notifications.md">Nobody is told anything: name targets below notify: in config.yaml.</Empty>;
  const test = (target: string) =>
    attempt(async () => {
      const found = await post('/api/notify/test', { body: { target } });
      if (found.delivered) tell(`A test reached ${target} within ${found.took_ms} ms.${found.problem ? ` Not: ${found.problem}` : ''}`);
      else tell(`${target} was not reached: ${found.problem}`, 'trouble', found.hints);
      list.again();
    });
  return (
    <ul class="rows tall">
      {list.value.data.map((one) => (
        <li key={one.name}>
          <strong>{one.name}</strong>
          <span class="tag">{one.kind || 'no longer set up'}</span>
          <span class="grow soft" title={one.problem || undefined}>
            {one.problem || `${one.leads_to}${one.on.length > 0 ? `: ${one.on.join(', ')}` : ': no rule sends anything there'}`}
          </span>
          {one.waiting > 0 ? <span class="attention small">{one.waiting} waiting</span> : null}
          {one.given_up > 0 ? <span class="failed small">{one.given_up} given up</span> : null}
          <Button act={() => test(one.name)} why={missing('maintain')}>
            Test
          </Button>
        </li>
      ))}
    </ul>
  );
}
