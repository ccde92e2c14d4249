/** `/inbox`: everything that waits for somebody, and what was decided lately. */
import { useEffect, useState } from 'preact/hooks';
import { get } from '../../api/client';
import { useShortcut } from '../../components/keys';
import { useLoad } from '../../components/load';
import { query } from '../../components/location';
import { markUseful } from '../../components/marks';
import { useNow } from '../../components/now';
import { Button, Empty, Glyph, PageHead, Skeleton, Status, Tabs, Time, Trouble } from '../../components/parts';
import { inboxPlace, runPlace } from '../../components/places';
import { rowAt } from '../../components/rows';
import { age } from '../../components/text';
import { useTopic } from '../../live/use';
import { BulkDialog } from './bulk';
import { isPlain, ordered, refusalOf, type Item } from './model';
import { PeekDialog } from './peek';

export function Inbox() {
  const live = useTopic('inbox');
  const tab = query.value.get('tab') === 'resolved' ? 'resolved' : 'open';
  // What is said of oneself is not in the stream: asked for when it says that something changed.
  const gates = useLoad('approvals', () => get('/api/approvals', { query: { status: 'pending', limit: 500 } }), live.seq);
  const forms = useLoad('inputs', () => get('/api/inputs', { query: { status: 'open', limit: 500 } }), live.seq);
  const ready = live.value !== undefined;
  useEffect(() => {
    if (ready) markUseful();
  }, [ready]);
  const yours = new Map([...(gates.value?.data ?? []), ...(forms.value?.data ?? [])].map((one) => [one.id, one.you]));
  const items = ordered(live.value?.approvals ?? [], live.value?.inputs ?? []);
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState(false);
  const [peeked, setPeeked] = useState<string | undefined>(undefined);
  const mayBulk = (item: Item): boolean => item.kind === 'approval' && isPlain(item.of) && yours.has(item.of.id) && refusalOf(yours.get(item.of.id) ?? '') === undefined;
  const chosen = items.flatMap((item) => (item.kind === 'approval' && marked.has(item.of.id) ? [item.of] : []));
  const turn = (id: string) => {
    const next = new Set(marked);
    if (!next.delete(id)) next.add(id);
    setMarked(next);
  };
  const here = () => items.find((item) => item.of.id === rowAt()?.dataset['id']);
  useShortcut('list.select', () => {
    const item = here();
    if (item && mayBulk(item)) turn(item.of.id);
  });
  useShortcut('list.peek', () => setPeeked(here()?.of.id));
  useShortcut('approval.approve', chosen.length > 0 ? () => setAsking(true) : undefined);
  return (
    <>
      <PageHead
        title="Inbox"
        below={
          <Tabs
            label="Inbox"
            chosen={tab}
            items={[
              { id: 'open', label: 'Open', count: items.length, href: '/inbox' },
              { id: 'resolved', label: 'Resolved', href: '/inbox?tab=resolved' },
            ]}
          />
        }
      />
      {tab === 'resolved' ? <Resolved /> : !ready ? <Skeleton rows={4} height={44} /> : items.length === 0 ? <Empty>Nothing waits for anybody.</Empty> : null}
      {tab === 'open' ? (
        <ul class="rows tall">
          {items.map((item) => (
            <Row key={item.of.id} item={item} you={yours.get(item.of.id) ?? ''} marked={mayBulk(item) ? marked.has(item.of.id) : undefined} turn={() => turn(item.of.id)} />
          ))}
        </ul>
      ) : null}
      {tab === 'open' && chosen.length > 0 ? (
        <div class="bulk" role="group" aria-label="Selected">
          <span>{chosen.length} selected</span>
          <Button kind="primary" act={() => setAsking(true)}>
            Approve selected
          </Button>
          <Button act={() => setMarked(new Set())}>Clear</Button>
        </div>
      ) : null}
      {asking ? <BulkDialog gates={chosen} close={() => setAsking(false)} done={() => setMarked(new Set())} /> : null}
      {peeked ? <PeekDialog id={peeked} close={() => setPeeked(undefined)} /> : null}
    </>
  );
}

interface RowProps {
  item: Item;
  you: string;
  /** Nothing: it cannot be decided together with others. */
  marked: boolean | undefined;
  turn: () => void;
}

function Row({ item, you, marked, turn }: RowProps) {
  const now = useNow();
  const { of } = item;
  const left = of.due_at ? Date.parse(of.due_at) - now : undefined;
  const refused = refusalOf(you);
  return (
    <li data-id={of.id}>
      <input type="checkbox" class="pick" aria-label={`Select ${of.stage} of ${of.run_name}`} checked={marked === true} disabled={marked === undefined} onChange={turn} />
      <Glyph status={item.kind === 'approval' ? 'waiting_approval' : 'waiting_input'} />
      <span class="grow">
        <a href={inboxPlace(of.id)}>
          <strong>{of.stage}</strong>
        </a>{' '}
        <a class="soft" href={runPlace(of.run_name)}>
          {of.run_name}
        </a>{' '}
        <span class="soft small">
          {of.id} · <Time at={of.opened_at} />
        </span>
      </span>
      {item.kind === 'approval' ? (
        <span class="small soft">
          {item.of.have} of {item.of.need}
          {item.of.missing.length > 0 ? `, needs ${item.of.missing.join(', ')}` : ''}
        </span>
      ) : (
        <span class="small soft">{item.of.assignees.length > 0 ? `for ${item.of.assignees.join(', ')}` : 'for anybody'}</span>
      )}
      {left === undefined ? null : (
        <span class={`small num ${left < 3_600_000 ? 'attention' : 'soft'}`}>
          {left > 0 ? `${age(left)} left` : 'due'}
          {item.kind === 'approval' && item.of.on_timeout ? `, then ${item.of.on_timeout}` : ''}
        </span>
      )}
      {refused ? <span class="tag" title={refused}>not you</span> : null}
      <a class={`button ${refused ? 'plain' : 'primary'}`} href={inboxPlace(of.id)}>
        {item.kind === 'approval' ? 'Review' : 'Fill in'}
      </a>
    </li>
  );
}

function Resolved() {
  const gates = useLoad('resolved', () => get('/api/approvals', { query: { status: 'approved,rejected,changes_requested,timed_out,void' as never, limit: 100 } }));
  if (gates.refused) return <Trouble refusal={gates.refused} again={gates.again} />;
  if (!gates.value) return <Skeleton rows={4} />;
  if (gates.value.data.length === 0) return <Empty>Nothing was decided yet.</Empty>;
  return (
    <ul class="rows">
      {gates.value.data.map((gate) => (
        <li key={gate.id}>
          <Status status={gate.status} />
          <span class="grow">
            <a href={inboxPlace(gate.id)}>
              <strong>{gate.stage}</strong>
            </a>{' '}
            <a class="soft" href={runPlace(gate.run_name)}>
              {gate.run_name}
            </a>
          </span>
          <span class="soft small">
            <Time at={gate.resolved_at} />
          </span>
        </li>
      ))}
    </ul>
  );
}
