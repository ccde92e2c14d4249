/** Topics as components use them. */
import type { ReadonlySignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type {
  ApprovalSummary,
  Fleet,
  InputSummary,
  PipelineSummary,
  RolloutView,
  RunDetail,
  RunSummary,
  TaskView,
} from '../api/types';
import { follow, leave } from './socket';
import type { Topic } from './topic';

/** What a topic's snapshot holds, by the first part of its name. */
interface Values {
  runs: { runs: RunSummary[] };
  pipelines: { pipelines: PipelineSummary[] };
  pipeline: { pipeline: PipelineSummary | null; runs: RunSummary[] };
  inbox: { approvals: ApprovalSummary[]; inputs: InputSummary[] };
  tasks: { tasks: TaskView[] };
  fleet: Fleet;
  rollout: RolloutView;
  run: RunDetail;
}

export interface Seen<T> {
  value: T | undefined;
  phase: Topic['phase'];
  seq: number | undefined;
  /** Why there is nothing. */
  says: string | undefined;
}

/** A topic, followed as long as the component stands. Without a name: nothing. */
export function useTopic<K extends keyof Values>(kind: K, rest?: string): Seen<Values[K]> {
  const name = rest === undefined ? kind : `${kind}:${rest}`;
  const held = useRef<{ name: string; shown: ReadonlySignal<Topic> } | undefined>(undefined);
  // At once, so that what is known already is drawn at once.
  if (held.current?.name !== name) held.current = { name, shown: follow(name) };
  useEffect(() => () => leave(name), [name]);
  const topic = held.current.shown.value;
  return {
    value: topic.value as Values[K] | undefined,
    phase: topic.phase,
    seq: topic.seq,
    says: topic.failure?.says,
  };
}
