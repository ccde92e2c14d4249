/** What stands around every page: where one can go, where one is, and whether it is live. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { remove } from '../api/client';
import { place } from '../components/location';
import { Button, Glyph } from '../components/parts';
import { exact } from '../components/text';
import { attempt, dismiss, tell, toasts } from '../components/toast';
import { who } from '../components/who';
import { connection, lostAt } from '../live/socket';
import { useTopic } from '../live/use';
import { crumbs } from './crumbs';
import { RolloutMark } from './rollout';
import { opened, Shortcuts } from './shortcuts';
import { chooseTheme, theme } from './theme';

const ROOMS = [
  { id: '', label: 'Now', icon: 'M2.5 8.5L8 3l5.5 5.5M4 7.5V13h8V7.5' },
  { id: 'inbox', label: 'Inbox', icon: 'M2.5 9.5h3l1 2h3l1-2h3M2.5 9.5V13h11V9.5L11.5 3h-7z' },
  { id: 'tasks', label: 'Tasks', icon: 'M3 4.2l1.2 1.2L6.4 3M3 10.7l1.2 1.2 2.2-2.4M8.5 4.5h5M8.5 11h5' },
  { id: 'pipelines', label: 'Pipelines', icon: 'M2.5 4.5h4v3h-4zM9.5 8.5h4v3h-4zM6.5 6H8v4h1.5' },
  { id: 'runs', label: 'Runs', icon: 'M4.5 3v10l8-5z' },
  { id: 'fleet', label: 'Fleet', icon: 'M3 3h10v4H3zM3 9h10v4H3zM5.2 5h.1M5.2 11h.1' },
  { id: 'metrics', label: 'Metrics', icon: 'M3 13V8M6.5 13V3.5M10 13V6M13.3 13v-3' },
  { id: 'audit', label: 'Audit', icon: 'M4 2.5h6l2.5 2.5v8.5H4zM6 7h4.5M6 10h4.5' },
] as const;

function Icon({ d }: { d: string }) {
  return (
    <svg class="icon" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      <path d={d} />
    </svg>
  );
}

function Rail({ open, close }: { open: boolean; close: () => void }) {
  const room = place.value.path.split('/')[1] ?? '';
  const inbox = useTopic('inbox').value;
  const waiting = inbox ? inbox.approvals.length + inbox.inputs.length : 0;
  return (
    <nav class={`rail${open ? ' open' : ''}`} aria-label="Main" onClick={close}>
      <a class="brand" href="/" aria-label="Orchestrate, to Now">
        <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
          <circle cx="4" cy="10" r="2.6" />
          <circle cx="15.5" cy="4.5" r="2.6" />
          <circle cx="15.5" cy="15.5" r="2.6" />
          <path d="M6.5 9l6.6-3.4M6.5 11l6.6 3.4" />
        </svg>
        <span>Orchestrate</span>
      </a>
      {ROOMS.map(({ id, label, icon }) => (
        <a key={id} href={`/${id}`} aria-current={room === id ? 'page' : undefined}>
          <Icon d={icon} />
          <span>{label}</span>
          {id === 'inbox' && waiting > 0 ? <span class="badge">{waiting}</span> : null}
        </a>
      ))}
      <div class="rest" />
      <a href="/settings/general" aria-current={room === 'settings' ? 'page' : undefined}>
        <Icon d="M2.5 4.5h6M12 4.5h1.5M8.5 3v3h3V3zM2.5 11.5H5M8 11.5h5.5M5 10v3h3v-3z" />
        <span>Settings</span>
      </a>
    </nav>
  );
}

function Live() {
  const state = connection.value;
  const words = { live: 'Live', reconnecting: 'Reconnecting', offline: 'Offline' } as const;
  return (
    <span class={`live ${state}`} role="status" aria-live="polite">
      <i />
      {words[state]}
    </span>
  );
}

function Me() {
  const [open, setOpen] = useState(false);
  const me = who.value;
  const chosen = theme.value;
  const out = () =>
    attempt(async () => {
      await remove('/api/session');
      location.assign('/login');
    });
  return (
    <div class="menu">
      <button type="button" class="avatar" aria-haspopup="true" aria-expanded={open} aria-label={`You: ${me?.name ?? '...'}`} data-initials={(me?.name ?? '·').slice(0, 2)} onClick={() => setOpen(!open)} />
      {open ? (
        <>
          <div class="scrim" onClick={() => setOpen(false)} />
          <div class="menu-box">
            <p>
              <strong>{me?.name}</strong>
              <br />
              <span class="soft small">{me?.admin ? 'administrator' : (me?.groups ?? []).join(', ') || 'no groups'}</span>
            </p>
            <fieldset class="segments">
              <legend class="sr">Theme</legend>
              {(['system', 'light', 'dark'] as const).map((to) => (
                <button type="button" key={to} aria-pressed={chosen === to} onClick={() => chooseTheme(to)}>
                  {to}
                </button>
              ))}
            </fieldset>
            <a href="/api/docs/" target="_blank" rel="noreferrer">
              API reference
            </a>
            <Button kind="quiet" act={out}>
              Sign out
            </Button>
          </div>
        </>
      ) : null}
    </div>
  );
}

function Offline() {
  const state = connection.value;
  const at = lostAt.value;
  const lost = useRef(false);
  const isLost = at !== undefined && state !== 'live';
  useEffect(() => {
    // Every topic goes on from its last number, or is read anew.
    if (state === 'live' && lost.current) tell('Reconnected, nothing missed.');
    lost.current = isLost;
  }, [state, isLost]);
  if (!isLost) return null;
  return (
    <div class="offline" role="alert">
      <Glyph status="unknown" />{' '}
      {state === 'offline' ? (
        <>
          Nobody answers since {exact(at).slice(11)}. <code>orchestrate serve</code> goes on where it was; nothing is missed.
        </>
      ) : (
        <>Reconnecting. What you see is of {exact(at).slice(11)}; nothing is missed, it comes after.</>
      )}
    </div>
  );
}

function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={`toast ${toast.kind}`}>
          <p>{toast.text}</p>
          {toast.hints.map((hint) => (
            <p key={hint} class="soft small">
              {hint}
            </p>
          ))}
          {toast.action ? (
            <Button kind="primary" act={toast.action.act}>
              {toast.action.label}
            </Button>
          ) : (
            <button type="button" class="dismiss" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
              ×
            </button>
          )}
        </div>
      ))}
    </div>
  );
}

export function Frame({ children }: { children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const trail = crumbs(place.value.path);
  return (
    <div class="frame">
      <a class="skip" href="#content">
        To the content
      </a>
      <Rail open={open} close={() => setOpen(false)} />
      {open ? <div class="scrim dim" onClick={() => setOpen(false)} /> : null}
      <div class="main">
        <header class="strip">
          <button type="button" class="burger" aria-label="Menu" aria-expanded={open} onClick={() => setOpen(!open)}>
            <Icon d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />
          </button>
          <nav class="crumbs" aria-label="Breadcrumb">
            {trail.map((crumb, at) =>
              at === trail.length - 1 ? (
                <span key={crumb.href} aria-current="page">
                  {crumb.label}
                </span>
              ) : (
                <a key={crumb.href} href={crumb.href}>
                  {crumb.label}
                </a>
              ),
            )}
          </nav>
          <div class="rest" />
          <button type="button" class="button quiet find" aria-keyshortcuts="Control+K" onClick={() => opened.palette()}>
            <Icon d="M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9zM10.2 10.2L14 14" />
            <span>Search</span> <kbd>Ctrl K</kbd>
          </button>
          <RolloutMark />
          <Live />
          <Me />
        </header>
        <Offline />
        <main id="content" tabIndex={-1}>
          {children}
        </main>
      </div>
      <Toasts />
      <Shortcuts />
    </div>
  );
}
