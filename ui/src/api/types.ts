/** Short names of what the API speaks of. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type RunSummary = Schemas['RunSummary'];
export type RunDetail = Schemas['RunDetail'];
export type StageView = Schemas['StageView'];
export type AttemptView = Schemas['AttemptView'];
export type EventView = Schemas['EventView'];
export type Progress = Schemas['Progress'];
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
export type TaskView = Schemas['TaskView'];
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

export type WorkerView = Schemas['WorkerView'];
export type WorkerAttempt = Schemas['WorkerAttempt'];
export type QueuedAttempt = Schemas['QueuedAttempt'];
export type RolloutView = Schemas['RolloutView'];
export type Busy = Schemas['Busy'];
export type Draining = Schemas['Draining'];
export type Switch = Schemas['Switch'];
export type WouldHave = Schemas['WouldHave'];
export type QueuedTask = Schemas['QueuedTask'];
export type RoleQueue = Omit<Schemas['RoleQueue'], 'waiting'> & { waiting: RoleAttempt[] };
/** An attempt of an agent that waits for its place: another thing than one that waits for a worker. */
export interface RoleAttempt {
  run: string;
  run_name: string;
  task?: string | null;
  stage: string;
  since: string;
  because: string;
}
