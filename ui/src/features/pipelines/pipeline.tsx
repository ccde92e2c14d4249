/** `/pipelines/:name/...`: one pipeline, from its runs to its settings. */
import { useEffect, useState } from 'preact/hooks';
import { get } from '../../api/client';
import { useLoad } from '../../components/load';
import { markUseful } from '../../components/marks';
import { Button, Empty, PageHead, Skeleton, Tabs, Trouble } from '../../components/parts';
import { pipelinePlace, type Matched } from '../../components/places';
import { RunTable } from '../../components/runtable';
import { StartDialog } from '../../components/start';
import { missing } from '../../components/who';
import { useTopic } from '../../live/use';
import { Definition } from './definition';
import { Metrics } from './metrics';
import { Settings } from './settings';
import { Triggers } from './triggers';
import { PipelineGraph } from './graph';

const TABS = ['runs', 'graph', 'definition', 'triggers', 'metrics', 'settings'] as const;
const LABELS = { runs: 'Runs', graph: 'Graph', definition: 'Definition', triggers: 'Triggers', metrics: 'Metrics', settings: 'Settings' } as const;

export function Pipeline({ params }: { params: Matched }) {
  const name = params['name'] ?? '';
  const tab = TABS.find((one) => one === params['tab']) ?? 'runs';
  const live = useTopic('pipeline', name);
  const revision = live.value?.pipeline?.revision;
  const detail = useLoad(name, () => get('/api/pipelines/{name}', { path: { name } }), revision);
  const [starting, setStarting] = useState(false);
  useEffect(() => {
    if (detail.value) markUseful();
  }, [detail.value !== undefined]);
  if (detail.refused && !detail.value) {
    return <Trouble refusal={detail.refused} again={detail.again} />;
  }
  if (!detail.value) return <Skeleton rows={8} />;
  const summary = live.value?.pipeline ?? detail.value;
  const runs = live.value?.runs ?? [];
  return (
    <div data-pipeline={name}>
      <PageHead
        title={name}
        below={
          <>
            {summary.description ? <p class="soft">{summary.description}</p> : null}
            <Tabs label="Pipeline" chosen={tab} items={TABS.map((id) => ({ id, label: LABELS[id], href: pipelinePlace(name, id) }))} />
          </>
        }
      >
        {summary.enabled ? null : <span class="tag">triggers off</span>}
        <span class="soft small">r{summary.revision}</span>
        <a class="button plain" href={`/pipelines/${encodeURIComponent(name)}/edit`}>
          Edit
        </a>
        <Button kind="primary" act={() => setStarting(true)} why={missing('run')}>
          Run
        </Button>
      </PageHead>
      {tab === 'runs' ? (
        runs.length === 0 ? (
          <Empty command={`orchestrate pipeline run ${name}`}>It has not run yet.</Empty>
        ) : (
          <RunTable runs={runs} withPipeline={false} />
        )
      ) : null}
      {tab === 'graph' ? <PipelineGraph name={name} revision={summary.revision} stages={detail.value.stages} /> : null}
      {tab === 'definition' ? <Definition detail={detail.value} /> : null}
      {tab === 'triggers' ? <Triggers detail={detail.value} /> : null}
      {tab === 'metrics' ? <Metrics runs={runs} /> : null}
      {tab === 'settings' ? <Settings detail={detail.value} enabled={summary.enabled} /> : null}
      {starting ? <StartDialog pipeline={name} close={() => setStarting(false)} /> : null}
    </div>
  );
}
