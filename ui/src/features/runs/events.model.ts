/** Events of a journal in words, and which of them matter to whom. Pure. */
import type { EventView } from '../../api/types';
import { inline } from '../../components/text';

export type Level = 'key' | 'normal' | 'all';

const KEY = /^(run\.|stage\.settled|gate\.|form\.|input\.|rollback|rewind|paused|resumed)/;
const NOISE = /^(attempt\.(scheduled|progress|output|recorded)|stage\.ready|mark\.|wire\.)/;

export function isShown(kind: string, level: Level): boolean {
  if (level === 'all') return true;
  return level === 'key' ? KEY.test(kind) : !NOISE.test(kind);
}

type Body = Record<string, unknown>;

const bodyOf = (event: EventView): Body => (typeof event.body === 'object' && event.body !== null ? (event.body as Body) : {});

/** Whatever of its body names a stage. */
export function stageOf(event: EventView): string | undefined {
  const body = bodyOf(event);
  const attempt = body['attempt'];
  if (typeof attempt === 'object' && attempt !== null) return String((attempt as Body)['execution'] ?? '');
  for (const name of ['execution', 'stage', 'name']) {
    const value = body[name];
    if (typeof value === 'string') return value;
  }
  return undefined;
}

export function isOf(event: EventView, stage: string): boolean {
  const named = stageOf(event);
  return named === stage || (named !== undefined && stage.startsWith(`${named}[`)) || named?.startsWith(`${stage}[`) === true;
}

/** Fields that say nothing to whoever reads along. */
const DULL = new Set(['kind', 'type', 'execution', 'stage', 'name', 'at', 'run', 'digest', 'seed', 'pid', 'tail', 'directory', 'conclusion']);

/** `attempt.finished plan succeeded`: what, of whom, and the short values of it. */
export function sentence(event: EventView): string {
  const body = bodyOf(event);
  const attempt = body['attempt'];
  const number = typeof attempt === 'object' && attempt !== null ? Number((attempt as Body)['number']) : 1;
  const result = body['result'];
  const ended = typeof result === 'object' && result !== null ? String((result as Body)['kind'] ?? '') : '';
  const rest = Object.entries(body)
    .filter(([name, value]) => !DULL.has(name) && value !== null && value !== '' && typeof value !== 'object')
    .slice(0, 3)
    .map(([name, value]) => `${name} ${inline(value)}`);
  return [event.kind, stageOf(event), number > 1 ? `attempt ${number}` : '', ended, rest.join(', ')].filter(Boolean).join(' ');
}
