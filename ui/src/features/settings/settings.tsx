/** `/settings/...`: how this server is set up. What is here to read is set in its files. */
import { useEffect } from 'preact/hooks';
import { get } from '../../api/client';
import { useLoad } from '../../components/load';
import { markUseful } from '../../components/marks';
import { PageHead, Skeleton, Tabs, Trouble } from '../../components/parts';
import type { Matched } from '../../components/places';
import { Notify } from './notify';
import { Retention } from './retention';
import { Rollout } from './rollout';
import { Secrets } from './secrets';
import { Tokens } from './tokens';
import { Webhooks } from './webhooks';

const TABS = [
  ['general', 'General'],
  ['rollout', 'Rollout'],
  ['tokens', 'Tokens'],
  ['secrets', 'Secrets'],
  ['notify', 'Notify'],
  ['webhooks', 'Webhooks'],
  ['retention', 'Retention'],
] as const;

export function Settings({ params }: { params: Matched }) {
  const tab = TABS.find(([id]) => id === params['tab'])?.[0] ?? 'general';
  useEffect(markUseful, [tab]);
  return (
    <>
      <PageHead title="Settings" below={<Tabs label="Settings" chosen={tab} items={TABS.map(([id, label]) => ({ id, label, href: `/settings/${id}` }))} />} />
      {tab === 'general' ? <General /> : null}
      {tab === 'rollout' ? <Rollout /> : null}
      {tab === 'tokens' ? <Tokens /> : null}
      {tab === 'secrets' ? <Secrets /> : null}
      {tab === 'notify' ? <Notify /> : null}
      {tab === 'webhooks' ? <Webhooks /> : null}
      {tab === 'retention' ? <Retention /> : null}
    </>
  );
}

function General() {
  const list = useLoad('config', () => get('/api/config'));
  if (list.refused) return <Trouble refusal={list.refused} again={list.again} />;
  if (!list.value) return <Skeleton rows={10} />;
  return (
    <div class="scroll-x">
      <table class="stack">
        <thead>
          <tr>
            <th>Setting</th>
            <th>Value</th>
            <th>From</th>
            <th>What it does</th>
          </tr>
        </thead>
        <tbody>
          {list.value.data.map((one) => (
            <tr key={one.name}>
              <td class="mono">{one.name}</td>
              <td class="mono wrap">{one.value ?? <span class="soft">-</span>}</td>
              <td class="soft">{one.source}</td>
              <td class="soft wrap">{one.doc}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
