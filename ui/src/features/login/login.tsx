/** Who are you? By name and password, or by the link of the one who owns the server. */
import { useState } from 'preact/hooks';
import { get, post, refusal, urlOf } from '../../api/client';
import { useLoad } from '../../components/load';
import { query } from '../../components/location';
import { Button } from '../../components/parts';

/** Only a path of ours: what a link says is never followed elsewhere. */
export function backTo(next: string | null): string {
  return next && next.startsWith('/') && !next.startsWith('//') && !next.startsWith('/\\') && !next.startsWith('/login') ? next : '/';
}

export function Login() {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [says, setSays] = useState('');
  const [busy, setBusy] = useState(false);
  const provider = useLoad('provider', () => get('/api/session/oidc'));
  const start = provider.value?.start;
  const enter = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setSays('');
    try {
      await post('/api/session', { body: { user, password } });
      // A load from the beginning: nothing of whoever was here before is left.
      location.assign(backTo(query.value.get('next')));
    } catch (error) {
      setSays(refusal(error).message);
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form onSubmit={(event) => void enter(event)} aria-label="Sign in">
        <h1>Sign in to Orchestrate</h1>
        <label>
          User
          <input name="user" autocomplete="username" required value={user} onInput={(event) => setUser(event.currentTarget.value)} />
        </label>
        <label>
          Password
          <input
            name="password"
            type="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        {says ? (
          <p class="failed" role="alert">
            {says}
          </p>
        ) : null}
        <Button type="submit" kind="primary" busy={busy}>
          Sign in
        </Button>
        {start ? (
          <a class="button plain" href={urlOf(start, {}, { return_to: backTo(query.value.get('next')) })}>
            Sign in by {new URL(provider.value?.issuer ?? location.href).hostname}
          </a>
        ) : null}
        <hr />
        <p class="soft">Is this server yours? Without a password, from its machine:</p>
        <code>orchestrate open</code>
      </form>
    </main>
  );
}
