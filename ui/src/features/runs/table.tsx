/** The stages of a run as a table. */
import type { RunDetail } from '../../api/types';
import { Status, Took, Words } from '../../components/parts';

export function StageTable({ run, chosen, choose }: { run: RunDetail; chosen: string | undefined; choose: (stage: string) => void }) {
  return (
    <div class="scroll-x">
      <table class="stack">
        <thead>
          <tr>
            <th>Stage</th>
            <th>Status</th>
            <th>Attempts</th>
            <th class="right">Took</th>
            <th>Detail</th>
          </tr>
        </thead>
        <tbody>
          {run.stages.map((stage) => (
            <tr key={stage.name} data-stage={stage.name} data-status={stage.status} aria-selected={stage.name === chosen} onClick={() => choose(stage.name)}>
              <td class="name">
                <button type="button" class="linkish" onClick={() => choose(stage.name)}>
                  {stage.name}
                </button>
              </td>
              <td>
                <Status status={stage.status} />
              </td>
              <td class="num soft">{stage.attempts.length > 0 ? `${stage.attempts.length} of ${stage.max_attempts}` : '-'}</td>
              <td class="right">
                <Took from={stage.started_at} to={stage.finished_at} />
              </td>
              <td class="soft wrap">
                <Words text={stage.detail || (stage.would ?? []).map((one) => one.says).join('; ')} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
