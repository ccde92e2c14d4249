/** Which page stands at which address. */
import { useEffect } from 'preact/hooks';
import { get, whenStranger } from '../api/client';
import { match, type Matched } from '../components/places';
import { navigate, place } from '../components/location';
import { markUseful } from '../components/marks';
import { Empty, PageHead } from '../components/parts';
import { who } from '../components/who';
import { connect, connection } from '../live/socket';
import { Login } from '../features/login/login';
import { Now } from '../features/now/now';
import { Pipelines } from '../features/pipelines/list';
import { Pipeline } from '../features/pipelines/pipeline';
import { Runs } from '../features/runs/list';
import { Frame } from './frame';
import { lazy, type Page } from './lazy';

const Run = lazy(() => import('../features/runs/run').then((file) => file.Run));
const Tasks = lazy(() => import('../features/tasks/list').then((file) => file.Tasks));
const Inbox = lazy(() => import('../features/inbox/inbox').then((file) => file.Inbox));
const InboxItem = lazy(() => import('../features/inbox/item').then((file) => file.InboxItem));
const Fleet = lazy(() => import('../features/fleet/fleet').then((file) => file.Fleet));
const Worker = lazy(() => import('../features/fleet/worker').then((file) => file.Worker));
const Audit = lazy(() => import('../features/audit/audit').then((file) => file.Audit));
const Settings = lazy(() => import('../features/settings/settings').then((file) => file.Settings));
const Compare = lazy(() => import('../features/compare/compare').then((file) => file.Compare));
const Versions = lazy(() => import('../features/pipelines/versions').then((file) => file.Versions));
const Metrics = lazy(() => import('../features/metrics/metrics').then((file) => file.MetricsPage));
const Templates = lazy(() => import('../features/templates/templates').then((file) => file.Templates));
const Editor = lazy(async () => {
  const [{ Editor: Shown }, { templateText }] = await Promise.all([import('../features/editor/editor'), import('../features/templates/templates')]);
  return ({ params }: { params: Matched }) => <Shown params={params} template={templateText} />;
});
const Task = lazy(() =>
  import('../features/tasks/task').then(({ Task: Shown }) => {
    const showRun = (name: string) => <Run key={name} params={{ run: name, within: 'task' }} />;
    return ({ params }: { params: Matched }) => <Shown params={params} showRun={showRun} />;
  }),
);

/** What most visits begin with is in the first file; the rest comes when it is gone to. */
const PAGES: readonly (readonly [string, Page])[] = [
  ['/', Now],
  ['/pipelines', Pipelines],
  ['/pipelines/new', Editor],
  ['/pipelines/:name/edit', Editor],
  ['/pipelines/:name', Pipeline],
  ['/pipelines/:name/:tab', Pipeline],
  ['/pipelines/:name/versions/:range', Versions],
  ['/inbox', Inbox],
  ['/inbox/:id', InboxItem],
  ['/tasks', Tasks],
  ['/tasks/:task', Task],
  ['/runs', Runs],
  ['/runs/:run', Run],
  ['/runs/:run/:number', Run],
  ['/compare', Compare],
  ['/templates', Templates],
  ['/fleet', Fleet],
  ['/fleet/:tab', Fleet],
  ['/fleet/workers/:id', Worker],
  ['/metrics', Metrics],
  ['/audit', Audit],
  ['/settings', Settings],
  ['/settings/:tab', Settings],
];

function find(path: string): { page: Page; params: Matched } | undefined {
  for (const [pattern, page] of PAGES) {
    const params = match(pattern, path);
    if (params) return { page, params };
  }
  return undefined;
}

/** Who points at a link may go there next. */
function foresee(event: Event): void {
  const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href]') : null;
  if (link && link.origin === location.origin) find(link.pathname)?.page.foresee?.();
}

function strange(): void {
  const { path, search, hash } = place.peek();
  if (path === '/login') return;
  const next = path + search + hash;
  navigate(`/login${next === '/' ? '' : `?next=${encodeURIComponent(next)}`}`, { replace: true });
}

/** An address that no page has. */
function Nowhere({ path }: { path: string }) {
  useEffect(markUseful, [path]);
  return (
    <>
      <PageHead title="Not found" />
      <Empty
        action={
          <a class="button primary" href="/">
            Go to Now
          </a>
        }
      >
        There is nothing at <code class="wrap">{path}</code>.
      </Empty>
    </>
  );
}

function Inside() {
  useEffect(() => {
    whenStranger(strange);
    const hints = ['pointerover', 'focusin'] as const;
    for (const hint of hints) document.addEventListener(hint, foresee);
    // At the same time: neither needs the other.
    connect(strange);
    void get('/api/whoami').then(
      (me) => {
        who.value = me;
      },
      () => undefined,
    );
    return () => hints.forEach((hint) => document.removeEventListener(hint, foresee));
  }, []);
  const { path } = place.value;
  const found = find(path);
  return (
    <Frame>
      {found ? (
        <found.page key={`${path.split('/')[1]} ${found.params['name'] ?? found.params['id'] ?? found.params['task'] ?? found.params['run'] ?? ''}`} params={found.params} />
      ) : (
        <Nowhere path={path} />
      )}
    </Frame>
  );
}

export function App() {
  const live = connection.value;
  useEffect(() => {
    document.body.dataset['live'] = live;
  }, [live]);
  return place.value.path === '/login' ? <Login /> : <Inside />;
}
