/** `/pipelines/:name/edit` and `/pipelines/new`: the text, what is wrong with it, and what is saved. */
import { useEffect, useState } from 'preact/hooks';
import { getTagged } from '../../api/client';
import { taken } from '../../components/handed';
import { useLoad } from '../../components/load';
import { query } from '../../components/location';
import { markUseful } from '../../components/marks';
import { Skeleton, Trouble } from '../../components/parts';
import type { Matched } from '../../components/places';
import { useTopic } from '../../live/use';
import { Writing } from './writing';

const BEGIN = `name: my-pipeline
description: What it is for

stages:
  - name: build
    run: echo building
`;

export interface EditorProps {
  params: Matched;
  /** The text of a template. */
  template: (name: string) => Promise<string | undefined>;
}

export function Editor({ params, template }: EditorProps) {
  const name = params['name'];
  return name === undefined ? <New template={template} /> : <Known name={name} />;
}

function New({ template }: Pick<EditorProps, 'template'>) {
  const begin = query.value.get('template') ?? '';
  const [handed] = useState(taken);
  const loaded = useLoad(`new ${begin}`, async () => ({ text: handed ?? (begin ? await template(begin) : undefined) ?? BEGIN, revision: 0, tag: undefined }));
  useUseful(loaded.value !== undefined);
  if (loaded.refused) return <Trouble refusal={loaded.refused} again={loaded.again} />;
  if (!loaded.value) return <Skeleton rows={10} />;
  return <Writing key={begin} name={undefined} draft={handed === undefined ? (begin ? `new?template=${begin}` : 'new') : 'imported'} saved={loaded.value} again={loaded.again} />;
}

function Known({ name }: { name: string }) {
  // Somebody else saves: it is asked for anew, and what is written here stays.
  const revision = useTopic('pipeline', name).value?.pipeline?.revision;
  const loaded = useLoad(
    name,
    async () => {
      const { data, tag } = await getTagged('/api/pipelines/{name}', { path: { name } });
      return { text: data.definition, revision: data.revision, tag };
    },
    revision,
  );
  useUseful(loaded.value !== undefined);
  if (loaded.refused && !loaded.value) return <Trouble refusal={loaded.refused} again={loaded.again} />;
  if (!loaded.value) return <Skeleton rows={10} />;
  return <Writing name={name} draft={name} saved={loaded.value} again={loaded.again} />;
}

function useUseful(ready: boolean): void {
  useEffect(() => {
    if (ready) markUseful();
  }, [ready]);
}
