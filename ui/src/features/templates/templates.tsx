/** `/templates`: pipelines that run as they are. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { post, refusal } from '../../api/client';
import { GraphCanvas } from '../../components/graph/canvas';
import { sceneOf } from '../../components/graph/scene';
import { useLoad } from '../../components/load';
import { navigate, query, setQuery } from '../../components/location';
import { markUseful } from '../../components/marks';
import { Button, PageHead, Skeleton, Trouble } from '../../components/parts';
import { runPlace } from '../../components/places';
import { count } from '../../components/text';
import { tell } from '../../components/toast';
import { missing } from '../../components/who';
import { Yaml } from '../../components/yaml';
import { described, ordered } from './model';

const FILES = import.meta.glob<string>('../../../../templates/*.yaml', { query: '?raw', import: 'default' });

const nameOf = (path: string): string => path.replace(/^(?:.*\/)?([^/]+)\.yaml$/, '$1');

/** What `orchestrate pipeline init ci` writes where it knows no tool. */
FILES['ci.yaml'] = async () => (await import('../../../../templates/ci/generic.yaml?raw')).default.replaceAll('@FILE@', 'pipelines/ci.yaml');

/** The text of a template, or nothing where there is none of this name. */
export async function templateText(name: string): Promise<string | undefined> {
  const path = Object.keys(FILES).find((one) => nameOf(one) === name);
  return path === undefined ? undefined : FILES[path]?.();
}

export function Templates() {
  const [texts, setTexts] = useState<[name: string, text: string][] | undefined>(undefined);
  useEffect(() => {
    void Promise.all(Object.entries(FILES).map(async ([path, load]): Promise<[string, string]> => [nameOf(path), await load()])).then((all) => {
      setTexts(ordered(all));
      markUseful();
    });
  }, []);
  const open = query.value.get('show');
  if (!texts) return <Skeleton rows={4} />;
  const run = async (definition: string) => {
    try {
      const started = await post('/api/runs', { body: { definition } });
      if ('name' in started) navigate(runPlace(started.name));
    } catch (error) {
      tell(refusal(error).message, 'trouble', refusal(error).hints);
    }
  };
  return (
    <>
      <PageHead title="Templates" below={<p class="soft">Each runs as it is, with nothing set up.</p>} />
      <ul class="rows tall">
        {texts.map(([name, text]) => (
          <li key={name} data-template={name} style={{ flexWrap: 'wrap' }}>
            <strong class="template">{name}</strong>
            <span class="grow soft two-lines">{described(text)}</span>
            <span class="together">
              <Button kind="quiet" aria-expanded={open === name} act={() => setQuery({ show: open === name ? undefined : name })}>
                {open === name ? 'Hide' : 'Preview'}
              </Button>
              <Button kind="quiet" act={() => run(text)} why={missing('run') ?? missing('define')}>
                Run
              </Button>
              <a class="button plain" href={`/pipelines/new?template=${name}`}>
                Use
              </a>
            </span>
            {open === name ? (
              <div style={{ flexBasis: '100%', minWidth: 0, paddingBottom: '12px' }}>
                <Drawn name={name} text={text} />
                <Yaml text={text} />
              </div>
            ) : null}
          </li>
        ))}
      </ul>
    </>
  );
}

/** What it would look like as a run, drawn by the server that would run it. */
function Drawn({ name, text }: { name: string; text: string }) {
  const [chosen, choose] = useState<string | undefined>(undefined);
  const checked = useLoad(name, () => post('/api/validate', { query: { graph: true }, body: { definition: text, file: `${name}.yaml` } }));
  const graph = checked.value?.graph;
  const scene = useMemo(() => (graph ? sceneOf(graph) : undefined), [graph]);
  if (checked.refused) return <Trouble refusal={checked.refused} again={checked.again} />;
  if (!scene) return <Skeleton rows={5} />;
  return (
    <>
      <div class="graph-frame" style={{ height: `${Math.min(420, Math.max(140, scene.height))}px` }}>
        <GraphCanvas scene={scene} chosen={chosen} choose={choose} />
      </div>
      <p class="soft small" style={{ padding: '6px 0' }}>
        {count(scene.nodes.length, 'stage')}: {scene.nodes.map((node) => node.name).join(', ')}
      </p>
    </>
  );
}
