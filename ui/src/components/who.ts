/** Who looks at the page, and what they may do. */
import { signal } from '@preact/signals';
import type { Whoami } from '../api/types';

export const who = signal<Whoami | undefined>(undefined);

const ROLE: Record<string, string> = {
  run: 'operator',
  define: 'developer',
  decide: 'approver',
  maintain: 'maintainer',
  audit: 'auditor',
  admin: 'admin',
};

/** Why somebody without this right may not; nothing when they may. */
export function missing(right: string): string | undefined {
  const me = who.value;
  if (!me || me.rights?.includes(right)) return undefined;
  return `This needs the right "${right}", which ${me.name} does not have. Ask an administrator for the role ${ROLE[right] ?? right}.`;
}
