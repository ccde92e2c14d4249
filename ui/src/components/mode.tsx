/** How much of what a run decides is really done: hatched, half, solid. */
import { Glyph } from './parts';
import { lookOf } from './status';
import { useTopic } from '../live/use';

/** Nothing for production, which is the rule; `always`: where it is said of one run alone. */
export function ModeTag({ mode, always = false }: { mode: string | undefined; always?: boolean }) {
  if (!mode || (mode === 'production' && !always)) return null;
  return (
    <span class={`mode ${mode}`} data-mode={mode} title={MEANS[mode]}>
      <Glyph status={mode} size={12} /> {lookOf(mode).word}
    </span>
  );
}

/** The most careful first. */
const MODES = ['shadow', 'pilot', 'production'];

/** As bold as the installation is, or more careful. */
export const modesWithin = (installation: string): string[] => MODES.slice(0, MODES.indexOf(installation) + 1);

/** How much of a run that is started is really done; by itself as much as in the installation. */
export function ModeChoice({ mode, choose }: { mode: string | undefined; choose: (mode: string | undefined) => void }) {
  const installation = useTopic('rollout').value?.mode;
  const modes = installation === undefined ? [] : modesWithin(installation);
  if (modes.length < 2) return null;
  const chosen = mode ?? installation ?? '';
  return (
    <label class="field">
      <span class="label">Mode</span>
      <select name="mode" value={chosen} onChange={(event) => choose(event.currentTarget.value === installation ? undefined : event.currentTarget.value)}>
        {modes.map((one) => (
          <option key={one} value={one}>
            {lookOf(one).word.toLowerCase()}
          </option>
        ))}
      </select>
      <span class="soft small">{MEANS[chosen]}.</span>
    </label>
  );
}

export const MEANS: Record<string, string> = {
  shadow: 'Nothing is really done: each stage says what it would have done',
  pilot: 'The tasks that were chosen are really done, all else says what it would have done',
  production: 'Everything is really done',
};
