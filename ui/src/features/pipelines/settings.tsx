/** What can be turned and taken away. */
import { useState } from 'preact/hooks';
import { post, remove } from '../../api/client';
import type { PipelineDetail } from '../../api/types';
import { Dialog } from '../../components/dialog';
import { navigate } from '../../components/location';
import { Button, Section, Time } from '../../components/parts';
import { attempt } from '../../components/toast';
import { missing } from '../../components/who';

export function Settings({ detail, enabled }: { detail: PipelineDetail; enabled: boolean }) {
  const [asking, setAsking] = useState(false);
  const path = { name: detail.name };
  const why = missing('define');
  const turn = () => attempt(() => (enabled ? post('/api/pipelines/{name}/disable', { path }) : post('/api/pipelines/{name}/enable', { path })));
  const away = async () => {
    if (await attempt(() => remove('/api/pipelines/{name}', { path }), `${detail.name} is deleted; its runs stay.`)) navigate('/pipelines');
  };
  return (
    <>
      <Section title="General">
        <dl class="pairs">
          <dt>Created</dt>
          <dd>
            <Time at={detail.created_at} />
          </dd>
          <dt>Changed</dt>
          <dd>
            <Time at={detail.updated_at} />
          </dd>
          <dt>Triggers</dt>
          <dd>
            {enabled ? 'on' : 'off'}{' '}
            <Button act={turn} why={why}>
              {enabled ? 'Turn off' : 'Turn on'}
            </Button>
          </dd>
        </dl>
      </Section>
      <Section title="Delete">
        <p class="empty small">The pipeline goes from the list and starts no more runs. What has run stays to be read.</p>
        <Button kind="danger" act={() => setAsking(true)} why={why}>
          Delete pipeline
        </Button>
      </Section>
      {asking ? (
        <Dialog title={`Delete ${detail.name}?`} close={() => setAsking(false)}>
          <p>Its runs stay to be read; a pipeline of the same name can be made again.</p>
          <div class="dialog-actions">
            <Button act={() => setAsking(false)}>Keep it</Button>
            <Button kind="danger" act={away}>
              Delete
            </Button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}
