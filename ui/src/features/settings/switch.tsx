/** A switch: what would change, who stands in its way, and what can be done about that. */
import { useState } from 'preact/hooks';
import { post, refusal, type Refusal } from '../../api/client';
import type { RolloutView } from '../../api/types';
import { Dialog } from '../../components/dialog';
import { Button, Glyph, Section, Trouble } from '../../components/parts';
import { tell } from '../../components/toast';
import { missing } from '../../components/who';
import { BusyList } from './busy';
import { meant, MODES, ORCHESTRATIONS, SCHEDULERS, wishOf, type Wish } from './rollout.model';

type How = { drain?: true; force?: true };

export function SwitchForm({ view }: { view: RolloutView }) {
  const [wish, setWish] = useState<Wish>(() => wishOf(view));
  const [refused, setRefused] = useState<Refusal | undefined>(undefined);
  const [forcing, setForcing] = useState(false);
  const { change, problems, says } = meant(view, wish);
  const set = (part: Partial<Wish>) => {
    setWish({ ...wish, ...part });
    setRefused(undefined);
  };
  const right = missing('maintain');
  const first = Object.values(problems)[0];
  const why = right ?? first ?? (says.length === 0 ? 'Nothing is different from how it is.' : undefined);
  const go = async (how: How) => {
    setForcing(false);
    try {
      const reason = wish.reason.trim();
      await post('/api/rollout/switch', { body: { ...change, ...(reason ? { reason } : {}), ...how }, ifMatch: `"${view.version}"` });
      tell(how.drain ? 'It is switched as soon as nobody is busy.' : 'It is switched.');
      setRefused(undefined);
    } catch (error) {
      setRefused(refusal(error));
    }
  };
  return (
    <Section title="Switch">
      <form
        class="fields switch-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (why) tell(why);
          else void go({});
        }}
      >
        <Choice name="mode" legend="Rollout" options={MODES} value={wish.mode} glyphs choose={(mode) => set({ mode })} />
        {wish.mode === 'pilot' ? <Text label="Tasks of the pilot" hint="TASK-7 TASK-1*" value={wish.pilot} problem={problems.pilot} set={(pilot) => set({ pilot })} /> : null}
        <Choice name="orchestration" legend="Tasks pass" options={ORCHESTRATIONS} value={wish.orchestration} choose={(orchestration) => set({ orchestration })} />
        {wish.orchestration === 'hybrid' ? <Text label="Tasks at once" hint="3" value={wish.tasks} problem={problems.tasks} set={(tasks) => set({ tasks })} /> : null}
        {wish.orchestration === 'sequential' ? null : <Text label="Attempts at once, by role" hint="implementer=2 tester=1" value={wish.wip} problem={problems.wip} set={(wip) => set({ wip })} />}
        <label class="field">
          <span class="label">Who comes first</span>
          <select value={wish.scheduler} onChange={(event) => set({ scheduler: event.currentTarget.value })}>
            {SCHEDULERS.map(([id, words]) => (
              <option key={id} value={id}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <Text label="Reason" hint="for the others, and the audit" value={wish.reason} problem={undefined} set={(reason) => set({ reason })} />
        {says.length > 0 ? (
          <ul class="small soft" aria-label="What changes">
            {says.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        ) : null}
        {refused ? (
          <div data-refused={refused.code}>
            <Trouble refusal={refused} />
            {refused.status === 409 && view.busy.length > 0 ? (
              <>
                <h3>In the way</h3>
                <BusyList busy={view.busy} />
                <div class="decide">
                  <Button act={() => go({ drain: true })} why={right} title="Nothing new begins; it is switched when nobody is busy any more">
                    Drain
                  </Button>
                  <Button kind="danger" act={() => setForcing(true)} why={right}>
                    Force
                  </Button>
                </div>
              </>
            ) : null}
          </div>
        ) : null}
        <div>
          <Button type="submit" kind="primary" why={why}>
            Switch
          </Button>
        </div>
      </form>
      {forcing ? (
        <Dialog title="Switch although somebody is busy?" close={() => setForcing(false)}>
          <p>
            {view.busy.length === 1 ? 'Who works now goes on' : `The ${view.busy.length} who work now go on`} as it was when they began; what begins after it follows the new mode. That it was forced is kept in the audit.
          </p>
          <BusyList busy={view.busy} />
          <div class="dialog-actions">
            <Button act={() => setForcing(false)}>Leave it</Button>
            <Button kind="danger" act={() => go({ force: true })}>
              Force the switch
            </Button>
          </div>
        </Dialog>
      ) : null}
    </Section>
  );
}

interface ChoiceProps {
  name: string;
  legend: string;
  options: readonly (readonly [id: string, says: string])[];
  value: string;
  glyphs?: boolean;
  choose: (id: string) => void;
}

function Choice({ name, legend, options, value, glyphs = false, choose }: ChoiceProps) {
  return (
    <fieldset class="field">
      <legend class="label">{legend}</legend>
      {options.map(([id, says]) => (
        <label key={id} class="check">
          <input type="radio" name={name} value={id} checked={value === id} onChange={() => choose(id)} />
          {glyphs ? (
            <span aria-hidden="true">
              <Glyph status={id} />
            </span>
          ) : null}
          <span>
            <strong>{id}</strong> <span class="soft">{says}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Text({ label, hint, value, problem, set }: { label: string; hint: string; value: string; problem: string | undefined; set: (value: string) => void }) {
  return (
    <label class="field">
      <span class="label">{label}</span>
      <input value={value} placeholder={hint} autocomplete="off" aria-invalid={problem && value ? 'true' : undefined} onInput={(event) => set(event.currentTarget.value)} />
      {problem ? <span class="problem">{problem}</span> : null}
    </label>
  );
}
