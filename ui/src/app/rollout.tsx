/** In the strip: how much is really done, and how tasks pass. */
import { Glyph } from '../components/parts';
import { MEANS } from '../components/mode';
import { lookOf } from '../components/status';
import { useTopic } from '../live/use';

export function RolloutMark() {
  const rollout = useTopic('rollout').value;
  if (!rollout) return null;
  const { mode, orchestration, draining } = rollout;
  const { word } = lookOf(mode);
  return (
    <a class={`rollout-mark ${mode}`} href="/settings/rollout" data-mode={mode} data-orchestration={orchestration} title={MEANS[mode]} aria-label={`Rollout: ${word} ${orchestration}${draining ? ', a switch waits' : ''}`}>
      <Glyph status={mode} size={14} />
      <span class="mode-word">{word}</span>{' '}
      <span class="soft wide-only">{orchestration}</span>
      {draining ? <Glyph status="draining" size={14} /> : null}
    </a>
  );
}
