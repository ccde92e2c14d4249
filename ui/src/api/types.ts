/** Short names of what the API speaks of. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type RunSummary = Omit<Schemas['RunSummary'], 'progress'> & { mode?: string; rollout?: string; progress: Progress };
export type RunDetail = Omit<Schemas['RunDetail'], 'stages' | 'progress'> & { mode?: string; rollout?: string; would?: WouldHave[]; progress: Progress; stages: StageView[] };
export type StageView = Schemas['StageView'] & { would?: WouldHave[] };
export type AttemptView = Schemas['AttemptView'];
export type EventView = Schemas['EventView'];
export type Progress = Schemas['Progress'] & { would_have?: number; stages?: number; stages_settled?: number };
export type Graph = Schemas['Graph'];
export type GraphNode = Schemas['GraphNode'];
export type GraphEdge = Schemas['GraphEdge'];
export type PipelineSummary = Schemas['PipelineSummary'];
export type PipelineDetail = Schemas['PipelineDetail'];
export type StageOutline = Schemas['StageOutline'];
export type InputOutline = Schemas['InputOutline'];
export type PipelineVerdict = Schemas['PipelineVerdict'];
export type GivenEvent = Schemas['GivenEvent'];
export type SourceView = Schemas['SourceView'];
export type Revision = Schemas['Revision'];
export type ApprovalSummary = Schemas['ApprovalSummary'];
export type ApprovalDetail = Schemas['ApprovalDetail'];
export type InputSummary = Schemas['InputSummary'];
export type InputDetail = Schemas['InputDetail'];
export type FieldView = Schemas['FieldView'];
export type ArtifactView = Schemas['ArtifactView'];
export type TaskView = Omit<Schemas['TaskView'], 'last_run'> & { last_run?: RunSummary | null };
export type Impact = Schemas['Impact'];
export type Explained = Schemas['Explained'];
export type Problem = Schemas['Problem'];
export type Diagnostic = Schemas['Diagnostic'];
export type Whoami = Schemas['Whoami'];
export type Comparison = Schemas['Comparison'];
/** The snapshot of `fleet`. */
export interface Fleet {
  slots: Schemas['Slots'];
  /** The server's own hands first. */
  workers?: WorkerView[];
  /** What waits to be handed out, oldest first. */
  queue?: QueuedAttempt[];
  /** Why nothing can be stored; empty when everything can. */
  problem: string;
}
export type Entry = Schemas['Entry'];
export type EventsFrame = Schemas['Events'];
export type SnapshotFrame = Schemas['Snapshot'];
export type OutputFrame = Schemas['Output'];
export type Failure = Schemas['Failure'];
export type AgentSummary = Schemas['AgentSummary'];
export type AuditEntry = Schemas['AuditEntry'];
/** The snapshot of a log. */
export interface LogHead {
  stage: string;
  attempt: number;
  /** Bytes captured so far. */
  total: number;
  ended: boolean;
}

/** A worker as it is shown; the server's own hands are the worker `local`. */
export interface WorkerView {
  name: string;
  /** `online draining drained lost` */
  state: string;
  labels: string[];
  slots: number;
  used: number;
  version: string;
  host: string;
  platform: string;
  cpus: number;
  memory_bytes: number;
  since: string;
  /** Nothing: the server's own hands, which need no lease. */
  heard_at?: string | null;
  lease_until?: string | null;
  attempts: WorkerAttempt[];
}
export interface WorkerAttempt {
  run: string;
  run_name: string;
  stage: string;
  attempt: number;
  /** Nothing: handed out, not heard to have started. */
  started_at?: string | null;
}
export interface QueuedAttempt {
  run: string;
  run_name: string;
  stage: string;
  attempt: number;
  since: string;
  runs_on: string[];
  role?: string | null;
  why: string;
}
export type RolloutView = Schemas['RolloutView'];
export type Busy = Schemas['Busy'];
export type Draining = Schemas['Draining'];
export type Switch = Schemas['Switch'];
export interface WouldHave {
  kind: string;
  says: string;
  /** Values that stand in it as `<name>`. */
  unknown?: string[];
}
export type QueuedTask = Schemas['QueuedTask'];
export type RoleQueue = Schemas['RoleQueue'];
