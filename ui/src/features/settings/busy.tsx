/** Who is busy: by agent, stage, run and task. */
import type { Busy } from '../../api/types';
import { Glyph, Took } from '../../components/parts';
import { runPlace, taskPlace } from '../../components/places';
import { byAge } from './rollout.model';

/** Who stands in the way, each with the way to it. */
export function BusyList({ busy }: { busy: readonly Busy[] }) {
  return (
    <ul class="rows" data-busy={busy.length}>
      {byAge(busy).map((one) => (
        <li key={`${one.run} ${one.stage} ${one.who}`} data-run={one.run_name} data-stage={one.stage} data-agent={one.who}>
          <Glyph status="running" still />
          <a class="grow" href={runPlace(one.run_name, one.stage ? { stage: one.stage } : {})}>
            <strong>{one.who}</strong> <span class="soft">{one.stage && one.stage !== one.who ? `${one.stage}, ` : ''}{one.run_name}</span>
          </a>
          {one.task ? <a href={taskPlace(one.task)}>{one.task}</a> : null}
          <span class="soft">
            <Took from={one.since} to={undefined} />
          </span>
        </li>
      ))}
    </ul>
  );
}
