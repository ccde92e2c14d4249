/** What starts runs of a pipeline by itself. */
import type { PipelineDetail } from '../../api/types';
import { Empty, Time } from '../../components/parts';

export function Triggers({ detail }: { detail: PipelineDetail }) {
  const triggers = detail.triggers ?? [];
  if (triggers.length === 0) {
    return <Empty command={`orchestrate pipeline run ${detail.name}`}>Nothing starts it by itself: it has no triggers. People and programs start it.</Empty>;
  }
  return (
    <div class="scroll-x">
      <table class="stack">
        <thead>
          <tr>
            <th>Trigger</th>
            <th>Kind</th>
            <th>When</th>
            <th>Next</th>
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
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
