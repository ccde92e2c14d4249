/** The way to everything by a few letters, and what can be done where one is. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../api/client';
import { offered } from '../components/actions';
import { Dialog } from '../components/dialog';
import { SHORTCUTS } from '../components/keys';
import { useLoad } from '../components/load';
import { navigate } from '../components/location';
import { pipelinePlace, runPlace, taskPlace } from '../components/places';
import { lookOf, runStatus } from '../components/status';
import { tell } from '../components/toast';
import { useTopic } from '../live/use';
import { search, type Entry } from './palette.model';
import { chooseTheme } from './theme';

const PAGES: readonly (readonly [label: string, href: string, keys?: string])[] = [
  ['Now', '/', SHORTCUTS['go.now'].keys],
  ['Inbox', '/inbox', SHORTCUTS['go.inbox'].keys],
  ['Tasks', '/tasks', SHORTCUTS['go.tasks'].keys],
  ['Pipelines', '/pipelines', SHORTCUTS['go.pipelines'].keys],
  ['New pipeline', '/pipelines/new'],
  ['Templates', '/templates'],
  ['Runs', '/runs', SHORTCUTS['go.runs'].keys],
  ['Compare runs', '/compare'],
  ['Fleet', '/fleet', SHORTCUTS['go.fleet'].keys],
  ['Workers', '/fleet/workers'],
  ['Agents', '/fleet/agents'],
  ['Queues', '/fleet/queues'],
  ['Metrics', '/metrics', SHORTCUTS['go.metrics'].keys],
  ['Audit', '/audit', SHORTCUTS['go.audit'].keys],
  ['Settings', '/settings/general'],
  ['Rollout', '/settings/rollout'],
  ['Secrets', '/settings/secrets'],
  ['Tokens', '/settings/tokens'],
];

function useEntries(): Entry[] {
  const runs = useTopic('runs').value?.runs ?? [];
  const pipelines = useTopic('pipelines').value?.pipelines ?? [];
  const tasks = useTopic('tasks').value?.tasks ?? [];
  const agents = useLoad('agents', () => get('/api/agents')).value?.data ?? [];
  const theme = (['light', 'dark', 'system'] as const).map((to): Entry => ({ group: 'Actions', label: `Theme: ${to}`, hint: '', to: { act: () => chooseTheme(to) } }));
  return [
    ...offered.value.map(({ label, act, why }): Entry => ({ group: 'Actions', label, hint: '', to: { act }, why })),
    ...theme,
    ...runs.map((run): Entry => ({ group: 'Runs', label: run.name, hint: lookOf(runStatus(run)).word, to: { href: runPlace(run.name) } })),
    ...pipelines.map((one): Entry => ({ group: 'Pipelines', label: one.name, hint: '', to: { href: pipelinePlace(one.name) } })),
    ...tasks.map((one): Entry => ({ group: 'Tasks', label: `${one.id} ${one.title}`, hint: lookOf(one.status.derived).word, to: { href: taskPlace(one.id) } })),
    ...agents.map((one): Entry => ({ group: 'Agents', label: one.name, hint: '', to: { href: `/fleet/agents?agent=${encodeURIComponent(one.name)}` } })),
    ...PAGES.map(([label, href, keys]): Entry => ({ group: 'Pages', label, hint: keys ?? '', to: { href } })),
    { group: 'Docs', label: 'API reference', hint: '', to: { act: () => open('/api/docs/', '_blank', 'noopener') } },
  ];
}

export function Palette({ close }: { close: () => void }) {
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const found = search(useEntries(), typed);
  const list = useRef<HTMLUListElement>(null);
  const chosen = Math.min(at, found.length - 1);
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen, typed]);
  const go = (entry: Entry | undefined) => {
    if (!entry) return;
    if (entry.why) {
      tell(entry.why);
      return;
    }
    close();
    if ('href' in entry.to) navigate(entry.to.href);
    else void entry.to.act();
  };
  const key = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by !== 0) {
      event.preventDefault();
      setAt((chosen + by + found.length) % Math.max(1, found.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      go(found[chosen]);
    }
  };
  let group = '';
  return (
    <Dialog title="Palette" close={close} wide>
      <input
        type="text"
        role="combobox"
        aria-label="Go to or do"
        aria-expanded="true"
        aria-controls="palette"
        aria-activedescendant={found.length > 0 ? `palette-${chosen}` : undefined}
        aria-autocomplete="list"
        autoFocus
        autocomplete="off"
        placeholder="Type a name; > to do, # for runs, @ for agents"
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={key}
      />
      <ul class="palette" id="palette" role="listbox" aria-label="Found" ref={list}>
        {found.map((entry, place) => {
          const first = entry.group !== group;
          group = entry.group;
          return (
            <li
              key={`${entry.group} ${entry.label}`}
              id={`palette-${place}`}
              role="option"
              aria-selected={place === chosen}
              aria-disabled={entry.why ? 'true' : undefined}
              title={entry.why}
              data-group={first ? entry.group : undefined}
              onMouseMove={() => setAt(place)}
              onClick={() => go(entry)}
            >
              <span class="clip">{entry.label}</span>
              <span class="rest" />
              <span class="soft small">{entry.hint}</span>
            </li>
          );
        })}
      </ul>
      {found.length === 0 ? <p class="soft small">Nothing is called so.</p> : null}
    </Dialog>
  );
}
