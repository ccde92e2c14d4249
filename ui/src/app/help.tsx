/** All keys, those that do something here first. */
import { Dialog } from '../components/dialog';
import { heardNow, SHORTCUTS, type ShortcutId } from '../components/keys';

function Keys({ title, ids }: { title: string; ids: readonly ShortcutId[] }) {
  if (ids.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <dl class="keys">
        {ids.map((id) => (
          <div key={id} data-shortcut={id}>
            <dt>
              {SHORTCUTS[id].keys.split(/[ +]/).map((key) => (
                <kbd key={key}>{key === 'mod' ? 'Ctrl' : key}</kbd>
              ))}
            </dt>
            <dd>{SHORTCUTS[id].says}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function Help({ close }: { close: () => void }) {
  const here = heardNow();
  const others = (Object.keys(SHORTCUTS) as ShortcutId[]).filter((id) => !here.includes(id));
  return (
    <Dialog title="Keys" close={close} wide>
      <Keys title="Here" ids={here} />
      <Keys title="Elsewhere" ids={others} />
    </Dialog>
  );
}
