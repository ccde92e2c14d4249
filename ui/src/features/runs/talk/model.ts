/** What agents did and said, from one thing after another to what people read. Pure. */

export interface Usage {
  calls: number;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  nano_usd: number | null;
  source: 'gateway' | 'agent' | 'estimate';
}

export interface Verdict {
  outcome: string;
  retryable: boolean;
  says: string;
}

export type Did =
  | { did: 'started'; session: string | null; resumed: boolean }
  | { did: 'prompt'; system: string; text: string }
  | { did: 'text'; text: string }
  | { did: 'thinking'; text: string }
  | { did: 'tool_call'; id: string; kind: string | null; title: string; input: unknown }
  | { did: 'tool_result'; id: string; ok: boolean; output: string }
  | { did: 'denied'; id: string; kind: string | null; title: string; reason: string }
  | { did: 'asked'; ask: string; question: string }
  | { did: 'answered'; ask: string; answer: string }
  | { did: 'taken_over'; hold: number; by: string }
  | { did: 'handed_back'; hold: number; by: string; note: string; accept: boolean }
  | { did: 'note'; text: string }
  | { did: 'usage'; usage: Usage }
  | { did: 'retry'; status: number | null; wait_ms: number; reason: string }
  | { did: 'turn'; number: number; says: string; data: unknown }
  | { did: 'validated'; passed: boolean; code: number | null; tail: string }
  | { did: 'result'; value: unknown }
  | { did: 'warning'; text: string }
  | { did: 'ended'; verdict: Verdict };

export type Happening = { seq: number; attempt: number; at: string; who: string } & Did;

/** `running`: no word of it yet. */
export type CallState = 'running' | 'ok' | 'failed' | 'denied';

interface At {
  seq: number;
  at: number;
  who: string;
}

export type Item = At &
  (
    | { kind: 'prompt'; system: string; text: string }
    | { kind: 'say'; text: string; quiet: boolean }
    | { kind: 'call'; tool: string; title: string; input: unknown; state: CallState; output: string; took: number | undefined }
    | { kind: 'ask'; ask: string; question: string; answer: string | undefined }
    | { kind: 'line'; mark: 'begins' | 'note' | 'retry' | 'warning'; text: string }
    | { kind: 'check'; passed: boolean; says: string; tail: string }
    | { kind: 'turn'; number: number; says: string; data: unknown }
    | { kind: 'result'; value: unknown }
    | { kind: 'verdict'; verdict: Verdict }
  );

export interface Lane {
  /** Empty: the harness. */
  who: string;
  items: Item[];
  usage: Usage | undefined;
}

export interface Attempt {
  number: number;
  items: Item[];
  usage: Usage | undefined;
  verdict: Verdict | undefined;
}

export function attemptsOf(all: readonly Happening[]): Attempt[] {
  const byNumber = new Map<number, Happening[]>();
  for (const one of all) byNumber.set(one.attempt, [...(byNumber.get(one.attempt) ?? []), one]);
  return [...byNumber].sort(([a], [b]) => a - b).map(([number, some]) => attemptOf(number, some));
}

function attemptOf(number: number, all: readonly Happening[]): Attempt {
  const attempt: Attempt = { number, items: [], usage: undefined, verdict: undefined };
  const calls = new Map<string, Item & { kind: 'call' }>();
  const asks = new Map<string, Item & { kind: 'ask' }>();
  for (const one of all) {
    const at: At = { seq: one.seq, at: Date.parse(one.at), who: one.who };
    // Of a discussion each member counts its calls for itself.
    const id = 'id' in one ? `${one.who} ${one.id}` : '';
    const put = (item: Item) => attempt.items.push(item);
    switch (one.did) {
      case 'started':
        put({ ...at, kind: 'line', mark: 'begins', text: one.resumed ? 'goes on where it was' : 'begins' });
        break;
      case 'prompt':
        put({ ...at, kind: 'prompt', system: one.system, text: one.text });
        break;
      case 'text':
      case 'thinking':
        say(attempt.items, at, one.text, one.did === 'thinking');
        break;
      case 'tool_call': {
        const call = { ...at, kind: 'call' as const, tool: one.kind ?? '', title: one.title, input: one.input, state: 'running' as const, output: '', took: undefined };
        calls.set(id, call);
        put(call);
        break;
      }
      case 'tool_result': {
        const call = calls.get(id);
        if (call) Object.assign(call, { state: one.ok ? 'ok' : call.state === 'denied' ? 'denied' : 'failed', output: call.state === 'denied' ? call.output : one.output, took: at.at - call.at });
        else put({ ...at, kind: 'call', tool: '', title: one.id, input: null, state: one.ok ? 'ok' : 'failed', output: one.output, took: undefined });
        break;
      }
      case 'denied': {
        const call = calls.get(id);
        if (call) Object.assign(call, { state: 'denied', output: one.reason, took: at.at - call.at });
        else {
          const denied = { ...at, kind: 'call' as const, tool: one.kind ?? '', title: one.title, input: null, state: 'denied' as const, output: one.reason, took: undefined };
          calls.set(id, denied);
          put(denied);
        }
        break;
      }
      case 'asked': {
        const ask = { ...at, kind: 'ask' as const, ask: one.ask, question: one.question, answer: undefined };
        asks.set(one.ask, ask);
        put(ask);
        break;
      }
      case 'answered': {
        const ask = asks.get(one.ask);
        if (ask) Object.assign(ask, { answer: one.answer });
        else put({ ...at, kind: 'ask', ask: one.ask, question: '', answer: one.answer });
        break;
      }
      case 'taken_over':
        for (const ask of asks.values()) if (ask.answer === undefined) Object.assign(ask, { answer: `taken back: ${one.by} took over` });
        put({ ...at, kind: 'line', mark: 'note', text: `${one.by} took over` });
        break;
      case 'handed_back': {
        const note = one.note === '' ? '' : `: ${one.note}`;
        put({ ...at, kind: 'line', mark: 'note', text: `${one.by} handed back${one.accept ? ', as the result' : ''}${note}` });
        break;
      }
      case 'note':
        put({ ...at, kind: 'line', mark: 'note', text: one.text });
        break;
      case 'usage':
        attempt.usage = added(attempt.usage, one.usage);
        break;
      case 'retry':
        put({ ...at, kind: 'line', mark: 'retry', text: `${one.reason}${one.status === null ? '' : ` (${one.status})`}; tries again in ${one.wait_ms} ms` });
        break;
      case 'turn':
        put({ ...at, kind: 'turn', number: one.number, says: one.says, data: one.data });
        break;
      case 'validated':
        put({ ...at, kind: 'check', passed: one.passed, says: one.passed ? 'Check passed' : `Check failed${one.code === null ? '' : ` with exit code ${one.code}`}`, tail: one.tail });
        break;
      case 'result':
        put({ ...at, kind: 'result', value: one.value });
        break;
      case 'warning':
        put({ ...at, kind: 'line', mark: 'warning', text: one.text });
        break;
      case 'ended':
        attempt.verdict = one.verdict;
        put({ ...at, kind: 'verdict', verdict: one.verdict });
        break;
    }
  }
  return attempt;
}

/** Texts that come in pieces are one text. */
function say(items: Item[], at: At, text: string, quiet: boolean): void {
  const last = items.at(-1);
  if (last?.kind === 'say' && last.who === at.who && last.quiet === quiet) last.text += text.startsWith('\n') || last.text.endsWith('\n') ? text : `\n${text}`;
  else items.push({ ...at, kind: 'say', text, quiet });
}

export function added(a: Usage | undefined, b: Usage): Usage {
  if (!a) return { ...b };
  return {
    calls: a.calls + b.calls,
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    cache_read_tokens: a.cache_read_tokens + b.cache_read_tokens,
    cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
    // What one part cost is not known: neither is the whole.
    nano_usd: a.nano_usd === null || b.nano_usd === null ? null : a.nano_usd + b.nano_usd,
    source: a.source === b.source ? a.source : 'estimate',
  };
}

/** One lane for each agent that said something; turns, checks and the verdict belong to all. */
export function lanesOf(attempt: Attempt, all: readonly Happening[]): { shared: Item[]; lanes: Lane[] } {
  const names = [...new Set(attempt.items.map((item) => item.who).filter((who) => who !== ''))];
  if (names.length < 2) return { shared: [], lanes: [{ who: names[0] ?? '', items: attempt.items, usage: attempt.usage }] };
  const lanes = names.map((who): Lane => {
    const spent = all.filter((one) => one.attempt === attempt.number && one.who === who && one.did === 'usage');
    return {
      who,
      items: attempt.items.filter((item) => item.who === who),
      usage: spent.reduce<Usage | undefined>((sum, one) => (one.did === 'usage' ? added(sum, one.usage) : sum), undefined),
    };
  });
  return { shared: attempt.items.filter((item) => item.who === ''), lanes };
}

/** Questions that wait for people. */
export function openAsks(attempt: Attempt): (Item & { kind: 'ask' })[] {
  if (attempt.verdict) return [];
  return attempt.items.filter((item): item is Item & { kind: 'ask' } => item.kind === 'ask' && item.answer === undefined);
}

/** Tokens that a model was given and gave. */
export const tokensOf = (usage: Usage): number => usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens + usage.output_tokens;

/** What an edit changes, where its input says so. */
export function editOf(input: unknown): { path: string; before: string; after: string } | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  const map = input as Record<string, unknown>;
  const text = (...names: string[]) => names.map((name) => map[name]).find((one): one is string => typeof one === 'string');
  const path = text('path', 'file_path', 'file') ?? '';
  const after = text('new', 'new_string', 'newText', 'content');
  if (after === undefined) return undefined;
  return { path, before: text('old', 'old_string', 'oldText') ?? '', after };
}

/** `+61 -3` */
export function sizeOf(edit: { before: string; after: string }): string {
  const count = (text: string) => (text === '' ? 0 : text.replace(/\n$/, '').split('\n').length);
  return `+${count(edit.after)} -${count(edit.before)}`;
}

/** Whether an agent works there whose place a person can take; of several that work together, nobody's. */
export function takeable(stage: { status: string; instances?: number | null }): boolean {
  return (stage.status === 'running' || stage.status === 'waiting_approval') && stage.instances == null;
}
