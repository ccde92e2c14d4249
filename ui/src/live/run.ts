/** A run after a frame of its events. */
import type { EventsFrame, RunDetail, StageView } from '../api/types';

export function applyRun(run: RunDetail, frame: EventsFrame): RunDetail {
  if (!frame.run) return run;
  const changed = { ...run, ...frame.run, sequence: frame.seq };
  const stages = frame.stages ?? [];
  return { ...changed, stages: frame.all ? stages : stages.reduce(placed, run.stages) };
}

/** In place of the one of its name; a new instance behind those of its stage with a lower number. */
function placed(stages: readonly StageView[], stage: StageView): StageView[] {
  const at = stages.findIndex((known) => known.name === stage.name);
  if (at >= 0) return stages.map((known, place) => (place === at ? stage : known));
  const before = stages.findLastIndex(
    (known) => known.stage === stage.stage && (known.instance ?? -1) < (stage.instance ?? -1),
  );
  const place = before < 0 ? stages.length : before + 1;
  return [...stages.slice(0, place), stage, ...stages.slice(place)];
}
