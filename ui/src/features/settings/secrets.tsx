/** Secrets: stored, replaced, deleted. Nobody gets a value back. */
import { useState } from 'preact/hooks';
import { get, put, refusal, remove, type Refusal } from '../../api/client';
import { Dialog } from '../../components/dialog';
import { useLoad } from '../../components/load';
import { Button, Empty, Skeleton, Time, Trouble } from '../../components/parts';
import { attempt, tell } from '../../components/toast';
import { missing } from '../../components/who';

interface Whose {
  name: string;
  pipeline?: string | null | undefined;
  environment?: string | null | undefined;
}

const scopeOf = ({ pipeline, environment }: Whose): string => (pipeline ? `pipeline ${pipeline}` : environment ? `environment ${environment}` : 'everywhere');

export function Secrets() {
  const why = missing('maintain');
  const list = useLoad(why ? undefined : 'secrets', () => get('/api/secrets'));
  const [storing, setStoring] = useState<Whose | undefined>(undefined);
  const [deleting, setDeleting] = useState<Whose | undefined>(undefined);
  if (why) return <Empty>{why}</Empty>;
  if (list.refused) return <Trouble refusal={list.refused} again={list.again} />;
  if (!list.value) return <Skeleton rows={4} />;
  const away = async (one: Whose) => {
    const query = { ...(one.pipeline ? { pipeline: one.pipeline } : {}), ...(one.environment ? { environment: one.environment } : {}) };
    if (await attempt(() => remove('/api/secrets/{name}', { path: { name: one.name }, query }), `${one.name} is deleted.`)) {
      setDeleting(undefined);
      list.again();
    }
  };
  return (
    <>
      <div class="filter">
        <Button kind="primary" act={() => setStoring({ name: '' })}>
          Store a secret
        </Button>
      </div>
      {list.value.data.length === 0 ? (
        <Empty command="orchestrate secret set NAME">No secrets are stored.</Empty>
      ) : (
        <ul class="rows">
          {list.value.data.map((one) => (
            <li key={`${one.name} ${scopeOf(one)}`}>
              <code>{one.name}</code>
              <span class="grow soft">{scopeOf(one)}</span>
              <span class="soft small hide-narrow">
                {one.updated_by} <Time at={one.updated_at} />
              </span>
              <span class="together">
                <Button act={() => setStoring(one)}>Replace</Button>
                <Button kind="danger" act={() => setDeleting(one)}>
                  Delete
                </Button>
              </span>
            </li>
          ))}
        </ul>
      )}
      {storing ? (
        <Store
          whose={storing}
          close={() => setStoring(undefined)}
          done={(name) => {
            setStoring(undefined);
            tell(`${name} is stored; nobody gets it back.`);
            list.again();
          }}
        />
      ) : null}
      {deleting ? (
        <Dialog title={`Delete ${deleting.name}?`} close={() => setDeleting(undefined)}>
          <p>
            It is good {scopeOf(deleting) === 'everywhere' ? 'everywhere' : `for the ${scopeOf(deleting)}`}. What needs it fails from now on; its value cannot be had back.
          </p>
          <div class="dialog-actions">
            <Button act={() => setDeleting(undefined)}>Keep it</Button>
            <Button kind="danger" act={() => away(deleting)}>
              Delete
            </Button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}

function Store({ whose, close, done }: { whose: Whose; close: () => void; done: (name: string) => void }) {
  const known = whose.name !== '';
  const [name, setName] = useState(whose.name);
  const [value, setValue] = useState('');
  const [kind, setKind] = useState(whose.pipeline ? 'pipeline' : whose.environment ? 'environment' : '');
  const [of, setOf] = useState(whose.pipeline ?? whose.environment ?? '');
  const [refused, setRefused] = useState<Refusal | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const save = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const scope = kind === 'pipeline' ? { pipeline: of } : kind === 'environment' ? { environment: of } : {};
      await put('/api/secrets/{name}', { path: { name }, body: { value, ...scope } });
      done(name);
    } catch (error) {
      setRefused(refusal(error));
    } finally {
      setBusy(false);
      setValue('');
    }
  };
  const lacks = name === '' || value === '' ? 'Name and value are needed.' : kind !== '' && of === '' ? `Say which ${kind}.` : undefined;
  return (
    <Dialog title={known ? `Replace ${whose.name}` : 'Store a secret'} close={close}>
      <form class="fields" onSubmit={(event) => void save(event)} noValidate>
        <label class="field">
          <span class="label">Name</span>
          <input value={name} readOnly={known} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span class="label">Value</span>
          <input type="password" autocomplete="off" value={value} onInput={(event) => setValue(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span class="label">Good for</span>
          <select value={kind} disabled={known} onChange={(event) => setKind(event.currentTarget.value)}>
            <option value="">everything</option>
            <option value="pipeline">one pipeline</option>
            <option value="environment">one environment</option>
          </select>
        </label>
        {kind === '' ? null : (
          <label class="field">
            <span class="label">Which {kind}</span>
            <input value={of} readOnly={known} onInput={(event) => setOf(event.currentTarget.value)} />
          </label>
        )}
        {refused ? <Trouble refusal={refused} /> : null}
        <div class="dialog-actions">
          <Button act={close}>Close</Button>
          <Button type="submit" kind="primary" busy={busy} why={lacks}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
