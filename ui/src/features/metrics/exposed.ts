/** The server's own counters, in the text format of Prometheus. Pure. */

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

export function samples(text: string): Sample[] {
  return text.split('\n').flatMap((line): Sample[] => {
    if (line.startsWith('#')) return [];
    const found = LINE.exec(line);
    if (!found) return [];
    const value = Number(found[3]);
    if (Number.isNaN(value)) return [];
    const labels: Record<string, string> = {};
    for (const [, key, said] of (found[2] ?? '').matchAll(LABEL)) if (key !== undefined) labels[key] = (said ?? '').replace(/\\n/g, '\n').replace(/\\(.)/g, '$1');
    return [{ name: found[1] ?? '', labels, value }];
  });
}

export function sum(all: readonly Sample[], name: string, labels: Record<string, string> = {}): number {
  return all.filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value)).reduce((total, one) => total + one.value, 0);
}

export interface ModelRow {
  provider: string;
  model: string;
  calls: number;
  failed: number;
  input: number;
  output: number;
  cached: number;
  /** In billionths of a US dollar; nothing where no price is known. */
  nano: number | undefined;
}

/** What each model did since the server began. */
export function modelRows(all: readonly Sample[]): ModelRow[] {
  const names = new Map<string, { provider: string; model: string }>();
  for (const { name, labels } of all) {
    const { provider, model } = labels;
    if (name.startsWith('orchestrate_model_') && provider !== undefined && model !== undefined) names.set(`${provider} ${model}`, { provider, model });
  }
  return [...names.values()]
    .map(({ provider, model }): ModelRow => {
      const of = { provider, model };
      const tokens = (kind: string) => sum(all, 'orchestrate_model_tokens_total', { ...of, kind });
      const priced = all.some((one) => one.name === 'orchestrate_model_cost_nano_usd_total' && one.labels['provider'] === provider && one.labels['model'] === model);
      const calls = sum(all, 'orchestrate_model_calls_total', of);
      const answered = sum(all, 'orchestrate_model_calls_total', { ...of, outcome: 'answered' }) + sum(all, 'orchestrate_model_calls_total', { ...of, outcome: 'memory' });
      return { ...of, calls, failed: calls - answered, input: tokens('input'), output: tokens('output'), cached: tokens('cache_read'), nano: priced ? sum(all, 'orchestrate_model_cost_nano_usd_total', of) : undefined };
    })
    .sort((a, b) => (b.nano ?? 0) - (a.nano ?? 0) || b.calls - a.calls);
}
