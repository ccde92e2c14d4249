/** What can be done with a worker. */
import { useState } from 'preact/hooks';
import { post, remove } from '../../api/client';
import type { WorkerView } from '../../api/types';
import { Dialog } from '../../components/dialog';
import { Button } from '../../components/parts';
import { attempt } from '../../components/toast';
import { missing } from '../../components/who';
import { actsOf, type WorkerAct } from './model';

export function WorkerActs({ worker, forgotten }: { worker: WorkerView; forgotten?: () => void }) {
  const [forgetting, setForgetting] = useState(false);
  const path = { worker: worker.name };
  const why = missing('maintain');
  const does: Record<WorkerAct, { label: string; title: string; act: () => unknown }> = {
    drain: {
      label: 'Drain',
      title: 'It ends what it has, and takes nothing more',
      act: () => attempt(() => post('/api/workers/{worker}/drain', { path }), `${worker.name} takes nothing more.`),
    },
    resume: {
      label: 'Resume',
      title: 'It takes work again',
      act: () => attempt(() => post('/api/workers/{worker}/resume', { path }), `${worker.name} takes work again.`),
    },
    forget: { label: 'Forget', title: 'It is not shown any more, until it comes back', act: () => setForgetting(true) },
  };
  const forget = async () => {
    if (!(await attempt(() => remove('/api/workers/{worker}', { path }), `${worker.name} is forgotten.`))) return;
    setForgetting(false);
    forgotten?.();
  };
  return (
    <>
      {actsOf(worker).map((one) => (
        <Button key={one} act={does[one].act} why={why} title={does[one].title} aria-label={`${does[one].label} ${worker.name}`}>
          {does[one].label}
        </Button>
      ))}
      {forgetting ? (
        <Dialog title={`Forget ${worker.name}?`} close={() => setForgetting(false)}>
          <p>It is not shown any more. Nothing that it did is lost, and when a worker of this name connects, it is there again.</p>
          <div class="dialog-actions">
            <Button act={() => setForgetting(false)}>Keep it</Button>
            <Button kind="danger" act={forget}>
              Forget it
            </Button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}
