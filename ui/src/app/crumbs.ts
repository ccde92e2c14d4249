/** The way to a page, from its address. */

export interface Crumb {
  label: string;
  href: string;
}

const ROOMS: Record<string, string> = {
  inbox: 'Inbox',
  tasks: 'Tasks',
  pipelines: 'Pipelines',
  runs: 'Runs',
  compare: 'Compare',
  templates: 'Templates',
  fleet: 'Fleet',
  metrics: 'Metrics',
  audit: 'Audit',
  settings: 'Settings',
};

const readable = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

export function crumbs(path: string): Crumb[] {
  const parts = path.split('/').filter(Boolean);
  const [room, first, second, third] = parts;
  if (room === undefined) return [{ label: 'Now', href: '/' }];
  const label = Object.hasOwn(ROOMS, room) ? ROOMS[room] : undefined;
  // Nowhere: there is a way home, and none to the parts of the address.
  if (label === undefined) return [{ label: 'Now', href: '/' }, { label: readable(parts.join('/')), href: path }];
  const trail: Crumb[] = [{ label, href: `/${room}` }];
  if (first === undefined) return trail;
  if (room === 'runs') {
    const label = second === undefined ? readable(first) : `${readable(first)}#${readable(second)}`;
    if (second !== undefined) trail.push({ label: readable(first), href: `/pipelines/${first}/runs` });
    trail.push({ label: second === undefined ? label : `#${readable(second)}`, href: path });
    return trail;
  }
  trail.push({ label: readable(first), href: `/${room}/${first}` });
  if (second !== undefined && room === 'fleet') trail.push({ label: readable(second), href: path });
  if (second !== undefined && room === 'pipelines') trail.push({ label: third === undefined ? readable(second) : `${readable(second)} ${readable(third)}`, href: path });
  return trail;
}
