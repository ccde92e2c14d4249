/** A person in the place of an agent: takes over, sees how to go on, hands back. */
import { useState } from 'preact/hooks';
import { get, post } from '../../../api/client';
import type { RunDetail, StageView } from '../../../api/types';
import { useLoad } from '../../../components/load';
import { Button, Glyph, Time, Trouble } from '../../../components/parts';
import { missing } from '../../../components/who';
import { attempt as tried } from '../../../components/toast';
import { takeable } from './model';

export function Takeover({ run, reference, stage }: { run: RunDetail; reference: string; stage: StageView }) {
  const held = stage.status === 'held_by_human';
  const path = { run: reference, stage: stage.name };
  const takeover = useLoad(held ? `${run.id}/${stage.name}/takeover` : undefined, () => get('/api/runs/{run}/takeover/{stage}', { path }), run.sequence);
  const [note, setNote] = useState('');
  const why = missing('decide');
  if (!held) {
    if (!takeable(stage)) return null;
    return (
      <div class="decide">
        <Button act={() => tried(() => post('/api/runs/{run}/takeover/{stage}', { path }))} why={why}>
          Take over
        </Button>
      </div>
    );
  }
  const back = (accept: boolean) => () => tried(() => post('/api/runs/{run}/takeover/{stage}/handback', { path, body: { note, accept } }));
  const of = takeover.value;
  return (
    <section class="askbox" aria-label="Taken over">
      <p class="wrap">
        <Glyph status="held_by_human" /> <strong>{of ? `Held by ${of.by}` : 'Held'}</strong> {of ? <>since <Time at={of.since} /></> : null}
      </p>
      {takeover.refused ? <Trouble refusal={takeover.refused} again={takeover.again} /> : null}
      {of && !of.attach ? <p class="soft small">Its agent is being stopped.</p> : null}
      {of?.attach ? (
        <>
          <p class="soft small wrap">
            {of.attach.runs} in {of.attach.directory}, on the machine of the server. {of.attach.resumes ? 'Its session goes on when you hand back.' : 'Its work begins anew when you hand back.'}
          </p>
          {of.attach.command ? (
            <pre class="code" tabIndex={0} aria-label="Attach command">
              {of.attach.command}
            </pre>
          ) : null}
        </>
      ) : null}
      <div class="field">
        <label for={`note-${stage.name}`}>Note</label>
        <textarea id={`note-${stage.name}`} rows={2} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
      </div>
      <div class="decide">
        <Button kind="primary" act={back(false)} why={why}>
          Hand back
        </Button>
        <Button act={back(true)} why={why}>
          Hand back as the result
        </Button>
      </div>
    </section>
  );
}
