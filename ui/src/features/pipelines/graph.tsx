/** The stages of a pipeline on paper, and the same as a list. */
import { useMemo, useState } from 'preact/hooks';
import { get } from '../../api/client';
import type { StageOutline } from '../../api/types';
import { GraphCanvas } from '../../components/graph/canvas';
import { sceneOf } from '../../components/graph/scene';
import { useLoad } from '../../components/load';
import { None, Skeleton, Trouble } from '../../components/parts';

export function PipelineGraph({ name, revision, stages }: { name: string; revision: number; stages: readonly StageOutline[] }) {
  const graph = useLoad(name, () => get('/api/pipelines/{name}/graph', { path: { name } }), revision);
  const [chosen, choose] = useState<string | undefined>(undefined);
  const scene = useMemo(() => (graph.value ? sceneOf(graph.value) : undefined), [graph.value]);
  if (graph.refused) return <Trouble refusal={graph.refused} again={graph.again} />;
  if (!scene) return <Skeleton rows={8} />;
  return (
    <>
      <div class="graph-frame" style={{ height: `${Math.min(560, Math.max(180, scene.height))}px` }}>
        <GraphCanvas scene={scene} chosen={chosen} choose={choose} />
      </div>
      <div class="scroll-x">
        <table class="stack">
          <thead>
            <tr>
              <th>Stage</th>
              <th>Kind</th>
              <th>After</th>
              <th>When</th>
              <th>Asks people</th>
            </tr>
          </thead>
          <tbody>
            {stages.map((stage) => (
              <tr key={stage.name} data-stage={stage.name} aria-selected={stage.name === chosen} onClick={() => choose(stage.name)}>
                <td class="name">
                  <strong>{stage.name}</strong>
                  {stage.finally ? <span class="tag">finally</span> : null}
                </td>
                <td class="soft">{stage.kind}</td>
                <td class="soft">{stage.depends_on.join(', ') || <None />}</td>
                <td class="soft">{[stage.foreach ? `for each of ${stage.foreach}` : '', stage.condition ?? ''].filter(Boolean).join('; ') || <None />}</td>
                <td class="soft">{(stage.asks ?? []).join(', ') || <None />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
