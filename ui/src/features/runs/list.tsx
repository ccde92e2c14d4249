/** `/runs`: all runs, newest first, filtered by one line. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, refusal } from '../../api/client';
import type { RunSummary } from '../../api/types';
import { parseFilter } from '../../components/filter';
import { useLoad } from '../../components/load';
import { query, setQuery } from '../../components/location';
import { markUseful } from '../../components/marks';
import { Button, Empty, PageHead, Skeleton, Trouble } from '../../components/parts';
import { RunTable } from '../../components/runtable';
import { SearchLine } from '../../components/searchline';
import { tell } from '../../components/toast';
import { useTopic } from '../../live/use';
import { asked, joined, newestOf } from './list.model';
import { ariaSort, DEFAULT, ofView, parsedSort, pressed, viewText, type Sort } from './sort';
import { keep, kept, toggled } from './views';

const VIEWS = [
  ['', 'All'],
  ['status:running,pending,paused,cancelling', 'Going on'],
  ['status:waiting', 'Waiting'],
  ['status:failed', 'Failed'],
  ['status:succeeded', 'Succeeded'],
] as const;

/** Where there is no room for columns to press on. */
const ORDERS: readonly (readonly [Sort, string])[] = [
  ['-created', 'Newest first'],
  ['created', 'Oldest first'],
  ['-duration', 'Longest first'],
  ['duration', 'Shortest first'],
  ['name', 'By name'],
  ['-name', 'By name, Z first'],
  ['status', 'By status'],
  ['-status', 'By status, turned'],
];

/** The usual order is not written into the address. */
const orderText = (sort: Sort) => (sort === DEFAULT ? undefined : sort);

/** Below this the list does not move by itself. */
const HELD = 120;

export function Runs() {
  const text = query.value.get('q') ?? '';
  const filter = useMemo(() => parseFilter(text), [text]);
  const sort = parsedSort(query.value.get('sort'));
  const usual = sort === DEFAULT;
  const question = { ...asked(filter), ...(usual ? {} : { sort }), limit: 100 };
  const key = JSON.stringify(question);
  const first = useLoad(key, () => get('/api/runs', { query: question }));
  const [more, setMore] = useState<{ key: string; runs: RunSummary[]; next: string | null | undefined } | undefined>(undefined);
  const [held, setHeld] = useState(false);
  const [mine, setMine] = useState(kept);
  const live = useTopic('runs').value;
  const asOf = useRef<{ of: unknown; newest: string }>({ of: undefined, newest: '' });
  // In another order what begins has no place that is known: it is counted, and comes when it is asked for.
  if (first.value && asOf.current.of !== first.value) asOf.current = { of: first.value, newest: newestOf([...first.value.data, ...(live?.runs ?? [])]) };
  useEffect(() => {
    const look = () => setHeld(scrollY > HELD);
    addEventListener('scroll', look, { passive: true });
    return () => removeEventListener('scroll', look);
  }, []);
  useEffect(() => {
    if (first.value) markUseful();
  }, [first.value]);
  const further = more?.key === key ? more : undefined;
  const pages = [...(first.value?.data ?? []), ...(further?.runs ?? [])];
  const next = further ? further.next : first.value?.next;
  const { rows, fresh } = joined(pages, live?.runs ?? [], filter, held || !usual, usual ? undefined : asOf.current.newest);
  const remember = (views: string[]) => {
    keep(views);
    setMine(views);
  };
  const shown = viewText(text, sort);
  const open = (view: string) => {
    const of = ofView(view);
    setQuery({ q: of.filter, sort: orderText(of.sort) }, { push: true });
  };
  const load = async () => {
    try {
      const page = await get('/api/runs', { query: { ...question, after: next ?? '' } });
      setMore({ key, runs: [...(further?.runs ?? []), ...page.data], next: page.next });
    } catch (error) {
      tell(refusal(error).message, 'trouble');
    }
  };
  return (
    <>
      <PageHead title="Runs" />
      <div class="filter">
        <SearchLine label="Filter runs" hint="Filter: status:failed pipeline:nightly by:ana words" />
        <div class="segments" role="group" aria-label="Saved views">
          {[...VIEWS, ...mine.map((view) => [view, view] as const)].map(([view, label]) => (
            <button type="button" key={label} aria-pressed={shown === view} onClick={() => open(view)}>
              {label}
            </button>
          ))}
        </div>
        {shown && !VIEWS.some(([view]) => view === shown) ? (
          <Button act={() => remember(toggled(mine, shown))}>{mine.includes(shown) ? 'Forget view' : 'Save view'}</Button>
        ) : null}
      </div>
      <label class="only-narrow">
        <span class="sr">Sort by</span>
        <select value={sort} onChange={(event) => setQuery({ sort: orderText(parsedSort(event.currentTarget.value)) }, { push: true })}>
          {ORDERS.map(([order, words]) => (
            <option key={order} value={order}>
              {words}
            </option>
          ))}
        </select>
      </label>
      {first.refused ? <Trouble refusal={first.refused} again={first.again} /> : null}
      {fresh > 0 ? (
        <Button class="float" act={() => (usual ? scrollTo({ top: 0 }) : first.again())}>
          {fresh} new
        </Button>
      ) : null}
      {first.value === undefined && !first.refused ? (
        <Skeleton rows={12} />
      ) : rows.length === 0 ? (
        text ? (
          <Empty action={<Button act={() => setQuery({ q: undefined })}>Clear</Button>}>
            No run fits the filter <code>{text}</code>.
          </Empty>
        ) : (
          <Empty command="orchestrate init && orchestrate run pipelines/feature.yaml">No runs yet.</Empty>
        )
      ) : (
        <RunTable runs={rows} sort={{ of: (column) => ariaSort(sort, column), press: (column) => setQuery({ sort: orderText(pressed(sort, column)) }, { push: true }) }} />
      )}
      {next ? <Button act={load}>Show more</Button> : null}
    </>
  );
}
