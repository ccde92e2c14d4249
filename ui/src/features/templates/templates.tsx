/** `/templates`: pipelines that run as they are. */
import { useEffect, useState } from 'preact/hooks';
import { post, refusal } from '../../api/client';
import { navigate, query, setQuery } from '../../components/location';
import { markUseful } from '../../components/marks';
import { Button, PageHead, Skeleton } from '../../components/parts';
import { runPlace } from '../../components/places';
import { tell } from '../../components/toast';
import { missing } from '../../components/who';
import { Yaml } from '../../components/yaml';

const FILES = import.meta.glob<string>('../../../../templates/*.yaml', { query: '?raw', import: 'default' });

const nameOf = (path: string): string => path.replace(/^.*\/([^/]+)\.yaml$/, '$1');

/** The text of a template, or nothing where there is none of this name. */
export async function templateText(name: string): Promise<string | undefined> {
  const path = Object.keys(FILES).find((one) => nameOf(one) === name);
  return path === undefined ? undefined : FILES[path]?.();
}

/** `description:` of a definition. Pure. */
export function described(text: string): string {
  return /^description:\s*(.+)$/m.exec(text)?.[1] ?? '';
}

export function Templates() {
  const [texts, setTexts] = useState<[name: string, text: string][] | undefined>(undefined);
  useEffect(() => {
    void Promise.all(Object.entries(FILES).map(async ([path, load]): Promise<[string, string]> => [nameOf(path), await load()])).then((all) => {
      setTexts(all.sort(([a], [b]) => b.localeCompare(a)));
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
          <li key={name} style={{ flexWrap: 'wrap' }}>
            <strong>{name}</strong>
            <span class="grow soft">{described(text)}</span>
            <Button kind="quiet" act={() => setQuery({ show: open === name ? undefined : name })}>
              {open === name ? 'Hide' : 'Preview'}
            </Button>
            <Button act={() => run(text)} why={missing('run') ?? missing('define')}>
              Run
            </Button>
            <a class="button primary" href={`/pipelines/new?template=${name}`}>
              Use
            </a>
            {open === name ? (
              <div style={{ flexBasis: '100%', paddingBottom: '12px' }}>
                <Yaml text={text} />
              </div>
            ) : null}
          </li>
        ))}
      </ul>
    </>
  );
}
