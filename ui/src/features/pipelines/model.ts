/** What a pipeline's row says of its runs. Pure. */
import type { PipelineSummary, RunSummary } from '../../api/types';
import { isOver } from '../../components/status';
import type { SparkBar } from '../../components/spark';

export interface Row {
  pipeline: PipelineSummary;
  bars: SparkBar[];
  p50: number | undefined;
  p95: number | undefined;
  /** Of those that ended, how many succeeded: 0 to 1. */
  pass: number | undefined;
  waiting: number;
}

const SHOWN = 20;

export function took(run: RunSummary): number | undefined {
  if (!run.started_at || !run.finished_at) return undefined;
  return Date.parse(run.finished_at) - Date.parse(run.started_at);
}

/** The value below which a part of the sorted values lies. */
export function quantile(values: readonly number[], part: number): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? sorted[0];
}

/** `runs` of all pipelines, in any order. */
export function rows(pipelines: readonly PipelineSummary[], runs: readonly RunSummary[]): Row[] {
  const byName = new Map<string, RunSummary[]>();
  for (const run of runs) {
    if (run.superseded) continue;
    const list = byName.get(run.pipeline);
    if (list) list.push(run);
    else byName.set(run.pipeline, [run]);
  }
  return pipelines.map((pipeline) => row(pipeline, byName.get(pipeline.name) ?? []));
}

function row(pipeline: PipelineSummary, runs: RunSummary[]): Row {
  const last = runs.sort((a, b) => a.number - b.number).slice(-SHOWN);
  const times = last.map(took).filter((ms) => ms !== undefined);
  const ended = last.filter((run) => isOver(run.status));
  const known: SparkBar[] = last.map((run) => ({ status: run.status, ms: took(run) }));
  // Runs older than what was asked for are known by how they ended.
  const older = pipeline.last_ten.slice(0, Math.max(0, pipeline.last_ten.length - known.length));
  return {
    pipeline,
    bars: [...older.map((status) => ({ status, ms: undefined })), ...known],
    p50: quantile(times, 0.5) ?? pipeline.p50_ms ?? undefined,
    p95: quantile(times, 0.95),
    pass: ended.length === 0 ? undefined : ended.filter((run) => run.status === 'succeeded').length / ended.length,
    waiting: runs.filter((run) => run.status === 'waiting').length,
  };
}

/** The newest of both, once each. */
export function merged(asked: readonly RunSummary[], live: readonly RunSummary[]): RunSummary[] {
  const all = new Map(asked.map((run) => [run.id, run]));
  for (const run of live) all.set(run.id, run);
  return [...all.values()];
}

/** `2..5`, also `r2..r5` and `v2..v5`. */
export function rangeOf(text: string): { from: number; to: number } | undefined {
  const found = /^[rv]?(\d+)\.\.[rv]?(\d+)$/.exec(text);
  return found ? { from: Number(found[1]), to: Number(found[2]) } : undefined;
}
