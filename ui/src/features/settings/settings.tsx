/** `/settings/...`: how this server is set up. What is here to read is set in its files. */
import { useEffect, useState } from 'preact/hooks';
import { get, post, put, remove } from '../../api/client';
import { Dialog } from '../../components/dialog';
import { useLoad } from '../../components/load';
import { markUseful } from '../../components/marks';
import { Button, Empty, PageHead, Skeleton, Tabs, Time, Trouble } from '../../components/parts';
import type { Matched } from '../../components/places';
import { bytes } from '../../components/text';
import { attempt } from '../../components/toast';
import { missing } from '../../components/who';

const TABS = [
  ['general', 'General'],
  ['tokens', 'Tokens'],
  ['secrets', 'Secrets'],
  ['notify', 'Notify'],
  ['retention', 'Retention'],
] as const;

export function Settings({ params }: { params: Matched }) {
  const tab = TABS.find(([id]) => id === params['tab'])?.[0] ?? 'general';
  useEffect(markUseful, [tab]);
  return (
    <>
      <PageHead title="Settings" below={<Tabs label="Settings" chosen={tab} items={TABS.map(([id, label]) => ({ id, label, href: `/settings/${id}` }))} />} />
      {tab === 'general' ? <General /> : null}
      {tab === 'tokens' ? <Tokens /> : null}
      {tab === 'secrets' ? <Secrets /> : null}
      {tab === 'notify' ? <Notify /> : null}
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

function Tokens() {
  const why = missing('admin');
  const list = useLoad(why ? undefined : 'tokens', () => get('/api/tokens'));
  const [made, setMade] = useState('');
  const [name, setName] = useState('');
  const [user, setUser] = useState('');
  if (why) return <Empty>{why}</Empty>;
  if (list.refused) return <Trouble refusal={list.refused} again={list.again} />;
  if (!list.value) return <Skeleton rows={4} />;
  const make = () =>
    attempt(async () => {
      const token = await post('/api/tokens', { body: { user, name } });
      setMade(token.token ?? '');
      list.again();
    });
  return (
    <>
      <div class="filter">
        <input aria-label="User" placeholder="User" value={user} style={{ width: '160px' }} onInput={(event) => setUser(event.currentTarget.value)} />
        <input aria-label="What for" placeholder="What for" value={name} style={{ width: '200px' }} onInput={(event) => setName(event.currentTarget.value)} />
        <Button act={make} why={user === '' ? 'Say whose token it is.' : undefined}>
          Make a token
        </Button>
      </div>
      {made ? (
        <div class="notice attention">
          Shown this once: <code class="wrap">{made}</code>
          <Button act={() => setMade('')}>I have it</Button>
        </div>
      ) : null}
      <ul class="rows">
        {list.value.data.map((one) => (
          <li key={one.id}>
            <code>{one.id}</code>
            <span class="grow">
              {one.user} <span class="soft">{one.name}</span>
            </span>
            <span class="soft small">
              {one.revoked_at ? 'revoked' : one.used_at ? 'used' : 'made'} <Time at={one.revoked_at ?? one.used_at ?? one.created_at} />
            </span>
            {one.revoked_at ? null : (
              <Button kind="danger" act={() => attempt(async () => { await remove('/api/tokens/{id}', { path: { id: one.id } }); list.again(); })}>
                Revoke
              </Button>
            )}
          </li>
        ))}
      </ul>
      {list.value.data.length === 0 ? <Empty command="orchestrate token create --user ana">No tokens were made.</Empty> : null}
    </>
  );
}

function Secrets() {
  const why = missing('maintain');
  const list = useLoad(why ? undefined : 'secrets', () => get('/api/secrets'));
  const [asking, setAsking] = useState(false);
  const [name, setName] = useState('');
  const [value, setValue] = useState('');
  if (why) return <Empty>{why}</Empty>;
  if (list.refused) return <Trouble refusal={list.refused} again={list.again} />;
  if (!list.value) return <Skeleton rows={4} />;
  const save = async () => {
    const done = await attempt(() => put('/api/secrets/{name}', { path: { name }, body: { value } }), `${name} is stored; nobody gets it back.`);
    setValue('');
    if (done) {
      setAsking(false);
      list.again();
    }
  };
  return (
    <>
      <div class="filter">
        <Button act={() => setAsking(true)}>Store a secret</Button>
      </div>
      <ul class="rows">
        {list.value.data.map((one) => (
          <li key={`${one.name}${one.pipeline ?? ''}${one.environment ?? ''}`}>
            <code>{one.name}</code>
            <span class="grow soft">{[one.pipeline, one.environment].filter(Boolean).join(', ') || 'everywhere'}</span>
            <span class="soft small">
              {one.updated_by} <Time at={one.updated_at} />
            </span>
          </li>
        ))}
      </ul>
      {list.value.data.length === 0 ? <Empty command="orchestrate secret set NAME">No secrets are stored.</Empty> : null}
      {asking ? (
        <Dialog title="Store a secret" close={() => setAsking(false)}>
          <label class="field">
            <span class="label">Name</span>
            <input value={name} onInput={(event) => setName(event.currentTarget.value)} />
          </label>
          <label class="field">
            <span class="label">Value</span>
            <input type="password" autocomplete="off" value={value} onInput={(event) => setValue(event.currentTarget.value)} />
          </label>
          <div class="dialog-actions">
            <Button act={() => setAsking(false)}>Close</Button>
            <Button kind="primary" act={save} why={name === '' || value === '' ? 'Name and value are needed.' : undefined}>
              Save
            </Button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}

function Notify() {
  const list = useLoad('targets', () => get('/api/notify/targets'));
  if (list.refused) return <Trouble refusal={list.refused} again={list.again} />;
  if (!list.value) return <Skeleton rows={4} />;
  if (list.value.data.length === 0) return <Empty>Nobody is told anything: name targets below `notify:` in config.yaml.</Empty>;
  return (
    <ul class="rows">
      {list.value.data.map((one) => (
        <li key={one.name}>
          <strong>{one.name}</strong>
          <span class="tag">{one.kind}</span>
          <span class="grow soft">
            {one.leads_to}; {one.on.join(', ')}
          </span>
          <span class="soft small">{one.waiting} waiting</span>
          <Button act={() => attempt(() => post('/api/notify/test', { body: { target: one.name } }), `A test went to ${one.name}.`)} why={missing('maintain')}>
            Test
          </Button>
        </li>
      ))}
    </ul>
  );
}

function Retention() {
  const list = useLoad('retention', () => get('/api/retention'));
  if (list.refused) return <Trouble refusal={list.refused} again={list.again} />;
  if (!list.value) return <Skeleton rows={3} />;
  if (list.value.items.length === 0) return <Empty>Everything is kept: there are no rules below `retention:` in config.yaml.</Empty>;
  return (
    <ul class="rows">
      {list.value.items.map((one) => (
        <li key={one.kind}>
          <strong class="grow">{one.kind}</strong>
          <span class="soft num">
            {one.count} would go now, {bytes(one.bytes)}
          </span>
        </li>
      ))}
    </ul>
  );
}
