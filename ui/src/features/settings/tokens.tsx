/** Tokens: made with the rights and the time that they need, shown once, revoked. */
import { useState } from 'preact/hooks';
import { get, post, refusal, remove, type Refusal } from '../../api/client';
import { serverNow } from '../../api/clock';
import { Dialog } from '../../components/dialog';
import { useLoad } from '../../components/load';
import { Button, Empty, Skeleton, Time, Trouble } from '../../components/parts';
import { attempt } from '../../components/toast';
import { missing, who } from '../../components/who';
import { ends, RIGHTS, stateOf, TERMS } from './model';

export function Tokens() {
  const why = missing('admin');
  const list = useLoad(why ? undefined : 'tokens', () => get('/api/tokens'));
  const [asking, setAsking] = useState<'make' | { id: string; user: string } | undefined>(undefined);
  const [made, setMade] = useState('');
  if (why) return <Empty>{why}</Empty>;
  if (list.refused) return <Trouble refusal={list.refused} again={list.again} />;
  if (!list.value) return <Skeleton rows={4} />;
  const now = serverNow();
  const revoke = async (id: string) => {
    if (await attempt(() => remove('/api/tokens/{id}', { path: { id } }), 'It opens nothing any more.')) {
      setAsking(undefined);
      list.again();
    }
  };
  return (
    <>
      <div class="filter">
        <Button kind="primary" act={() => setAsking('make')}>
          Make a token
        </Button>
      </div>
      {made ? (
        <div class="notice attention">
          <span class="grow">
            Shown this once: <code class="wrap">{made}</code>
          </span>
          <Button act={() => navigator.clipboard.writeText(made)}>Copy</Button>
          <Button act={() => setMade('')}>I have it</Button>
        </div>
      ) : null}
      {list.value.data.length === 0 ? (
        <Empty command="orchestrate token create NAME">No tokens were made. Programs are known by one.</Empty>
      ) : (
        <div class="scroll-x">
          <table class="stack">
            <thead>
              <tr>
                <th>User</th>
                <th>What for</th>
                <th>May</th>
                <th>State</th>
                <th>Ends</th>
                <th>Last used</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {list.value.data.map((one) => (
                <tr key={one.id} data-id={one.id}>
                  <td class="name">
                    <strong>{one.user}</strong>
                  </td>
                  <td class="wrap">{one.name || <span class="soft">-</span>}</td>
                  <td class="soft wrap">{one.admin ? 'everything' : (one.scopes ?? []).join(', ') || 'what its user may'}</td>
                  <td class={stateOf(one, now) === 'good' ? '' : 'soft'}>{stateOf(one, now)}</td>
                  <td class="soft num">
                    <span class="only-narrow">ends </span>
                    {one.expires_at ? <Time at={one.expires_at} /> : 'never'}
                  </td>
                  <td class="soft num">
                    <span class="only-narrow">used </span>
                    {one.used_at ? <Time at={one.used_at} /> : 'never'}
                  </td>
                  <td class="right">
                    {one.revoked_at ? null : (
                      <Button kind="danger" act={() => setAsking(one)}>
                        Revoke
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {asking === 'make' ? (
        <MakeToken
          close={() => setAsking(undefined)}
          done={(token) => {
            setAsking(undefined);
            setMade(token);
            list.again();
          }}
        />
      ) : asking ? (
        <Dialog title={`Revoke the token of ${asking.user}?`} close={() => setAsking(undefined)}>
          <p>Whatever uses it is refused from now on. It cannot be taken back; a new one can be made.</p>
          <div class="dialog-actions">
            <Button act={() => setAsking(undefined)}>Keep it</Button>
            <Button kind="danger" act={() => revoke(asking.id)}>
              Revoke
            </Button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}

function MakeToken({ close, done }: { close: () => void; done: (token: string) => void }) {
  const users = useLoad('users', () => get('/api/users'));
  const [user, setUser] = useState(who.value?.name ?? '');
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly string[]>([]);
  const [term, setTerm] = useState('90');
  const [refused, setRefused] = useState<Refusal | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const make = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const until = ends(term, serverNow());
      const token = await post('/api/tokens', { body: { user, name, ...(scopes.length > 0 ? { scopes: [...scopes] } : {}), ...(until ? { expires_at: until } : {}) } });
      done(token.token ?? '');
    } catch (error) {
      setRefused(refusal(error));
    } finally {
      setBusy(false);
    }
  };
  const turn = (right: string) => setScopes(scopes.includes(right) ? scopes.filter((one) => one !== right) : [...scopes, right]);
  return (
    <Dialog title="Make a token" close={close}>
      <form class="fields" onSubmit={(event) => void make(event)} noValidate>
        <label class="field">
          <span class="label">User</span>
          <input value={user} list="users" required onInput={(event) => setUser(event.currentTarget.value)} />
          <datalist id="users">
            {(users.value?.data ?? []).map((one) => (
              <option key={one.name} value={one.name} />
            ))}
          </datalist>
        </label>
        <label class="field">
          <span class="label">What for</span>
          <input value={name} maxLength={128} placeholder="the deploy script" onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <fieldset class="field">
          <legend class="label">It may only</legend>
          {RIGHTS.map(([right, says]) => (
            <label key={right} class="check">
              <input type="checkbox" checked={scopes.includes(right)} onChange={() => turn(right)} />
              <span>
                <strong>{right}</strong> <span class="soft">{says}</span>
              </span>
            </label>
          ))}
          <p class="soft small">{scopes.length === 0 ? 'Nothing chosen: all that its user may do.' : 'Never more than its user may do.'}</p>
        </fieldset>
        <label class="field">
          <span class="label">It ends</span>
          <select value={term} onChange={(event) => setTerm(event.currentTarget.value)}>
            {TERMS.map(([days, says]) => (
              <option key={days} value={days}>
                {says}
              </option>
            ))}
          </select>
        </label>
        {refused ? <Trouble refusal={refused} /> : null}
        <div class="dialog-actions">
          <Button act={close}>Close</Button>
          <Button type="submit" kind="primary" busy={busy} why={user.trim() === '' ? 'Say whose token it is.' : undefined}>
            Make a token
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
