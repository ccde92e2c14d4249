/** What is said of tokens and deliveries. Pure. */
import type { GivenEvent } from '../../api/types';

export const RIGHTS: readonly (readonly [right: string, says: string])[] = [
  ['read', 'look at everything but the audit'],
  ['run', 'start, stop and retry runs; give events'],
  ['define', 'write pipelines'],
  ['decide', 'approve, and fill in forms'],
  ['maintain', 'store secrets, test targets, let go of what is old'],
  ['audit', 'read who did what'],
  ['admin', 'users, tokens, and all of it'],
];

export const TERMS: readonly (readonly [days: string, says: string])[] = [
  ['7', 'in a week'],
  ['30', 'in 30 days'],
  ['90', 'in 90 days'],
  ['365', 'in a year'],
  ['', 'never'],
];

const DAY = 86_400_000;

export function ends(days: string, now: number): string | undefined {
  return days === '' ? undefined : new Date(now + Number(days) * DAY).toISOString();
}

export function stateOf(token: { revoked_at?: string | null | undefined; expires_at?: string | null | undefined }, now: number): 'good' | 'revoked' | 'over' {
  if (token.revoked_at) return 'revoked';
  return token.expires_at && Date.parse(token.expires_at) <= now ? 'over' : 'good';
}

/** What became of an event, in words. */
export function became(event: GivenEvent): string {
  const started = event.started ?? [];
  if (started.length > 0) return `started ${started.join(', ')}`;
  if (event.taken_by.length > 0) return `taken by ${event.taken_by.join(', ')}`;
  if (event.problem) return event.problem;
  return event.waits ? 'waits to be looked at' : 'started nothing';
}

/** The newest of one source, as many as are shown. */
export function deliveriesOf(events: readonly GivenEvent[], source: string, most = 10): GivenEvent[] {
  return events.filter((event) => event.source === source).slice(0, most);
}
