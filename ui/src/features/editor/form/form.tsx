/** A definition as a form: its stages in their order, and one of them to be filled in. */
import { useMemo, useState } from 'preact/hooks';
import { Dialog } from '../../../components/dialog';
import { Button, Section } from '../../../components/parts';
import { tell } from '../../../components/toast';
import { Choose, Text } from './inputs';
import { dependants, freeName, movedStage, outline, without, withStage, WORK_WORDS, WORKS, type StageForm, type Work } from './outline';
import { Sortable } from './sortable';
import { StageFields } from './stage';
import { setIn } from './yaml';

export interface FormProps {
  text: string;
  /** The pipeline keeps its name. */
  named: boolean;
  put: (text: string) => void;
  stage: string | undefined;
  choose: (stage: string | undefined) => void;
  toText: (stage: string) => void;
  undo: () => void;
  agents: readonly string[];
  pipelines: readonly string[];
  readOnly: boolean;
}

export function DefinitionForm({ text, named, put, stage: chosen, choose, toText, undo, agents, pipelines, readOnly }: FormProps) {
  const shown = useMemo(() => outline(text), [text]);
  const [asking, ask] = useState<StageForm | undefined>(undefined);
  const [work, setWork] = useState<Work>('run');
  if (!shown) return <p class="empty small">The text is no YAML now: mend it there first, then it is a form again.</p>;
  const { stages } = shown;
  const names = stages.map((stage) => stage.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) return <p class="empty small">Two stages are called `{twice}`: give one of them another name in the text first.</p>;
  const take = (next: string | undefined) => {
    if (next === undefined) tell('This cannot be changed here: change it in the text.', 'trouble');
    else if (next !== text) put(next);
  };
  const stage = stages.find((one) => one.name === chosen);
  const add = () => {
    const name = freeName(stages, work === 'run' ? 'stage' : work);
    take(withStage(text, name, work));
    choose(name);
  };
  return (
    <fieldset class="definition-form" disabled={readOnly}>
      <legend class="sr">Definition as a form</legend>
      <Section
        title="Pipeline"
        aside={
          <Button kind="quiet" act={undo}>
            Undo
          </Button>
        }
      >
        <div class="field-grid">
          <Text label="Name" value={shown.name} mono readOnly={named} commit={(name) => take(setIn(text, ['name'], name))} />
          <Text label="Description" value={shown.description} commit={(value) => take(setIn(text, ['description'], value === '' ? undefined : value))} />
        </div>
      </Section>
      <Section title="Stages" count={stages.length} aside={<span class="soft small">drag, arrows, or Alt ↑ ↓</span>}>
        <Sortable
          label="Stages in order"
          names={names}
          chosen={stage?.name}
          move={(from, to) => take(movedStage(text, from, to))}
          row={(at) => {
            const one = stages[at];
            if (!one) return null;
            const open = one.name === stage?.name;
            return (
              <>
                <div class="sortable-line">
                  <button type="button" class="linkish" data-control="open" aria-expanded={open} onClick={() => choose(open ? undefined : one.name)}>
                    {one.name}
                  </button>
                  <span class="soft small clip">{summary(one)}</span>
                  <span class="rest" />
                  <button type="button" class="mini" aria-label={`Delete ${one.name}`} onClick={() => ask(one)}>
                    ×
                  </button>
                </div>
                {open ? (
                  <StageFields text={text} stage={one} stages={stages} agents={agents} pipelines={pipelines} put={take} follow={choose} remove={() => ask(one)} toText={() => toText(one.name)} />
                ) : null}
              </>
            );
          }}
        />
        <div class="add-stage">
          <Choose label="New stage" value={work} options={WORKS.filter((one) => one !== 'other').map((one) => ({ value: one, label: WORK_WORDS[one] }))} commit={setWork} />
          <Button act={add}>Add stage</Button>
        </div>
      </Section>
      {asking ? (
        <Dialog title={`Delete ${asking.name}?`} close={() => ask(undefined)}>
          <p>{consequence(stages, asking)} Undo brings it back until you leave.</p>
          <div class="dialog-actions">
            <Button act={() => ask(undefined)}>Keep it</Button>
            <Button
              kind="danger"
              act={() => {
                take(without(text, asking));
                if (asking.name === chosen) choose(undefined);
                ask(undefined);
              }}
            >
              Delete
            </Button>
          </div>
        </Dialog>
      ) : null}
    </fieldset>
  );
}

function summary(stage: StageForm): string {
  const gates = [stage.value['requires_approval'] ? 'approval' : '', stage.value['human'] ? 'form' : '', stage.value['approve_complete'] ? 'result approved' : ''].filter(Boolean);
  const after = stage.dependsOn === undefined ? '' : stage.dependsOn.length === 0 ? 'at once' : `after ${stage.dependsOn.join(', ')}`;
  return [WORK_WORDS[stage.work].toLowerCase(), ...gates, after].filter(Boolean).join(' · ');
}

function consequence(stages: readonly StageForm[], stage: StageForm): string {
  const others = dependants(stages, stage.name);
  if (others.length === 0) return 'No other stage names it.';
  const instead = (stage.dependsOn ?? []).join(', ');
  return `${others.join(', ')} ${others.length === 1 ? 'names' : 'name'} it, and will wait for ${instead === '' ? 'nothing' : instead} in its place.`;
}
