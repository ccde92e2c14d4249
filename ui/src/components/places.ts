/** Where things are: the addresses of the page. Features lead to each other by these alone. */

export interface RunName {
  name: string;
}

/** `feature-complete#42` is at `/runs/feature-complete/42`, `TASK-7-3` at `/runs/TASK-7-3`. */
export function runPlace(name: string, query: Record<string, string | number | undefined> = {}, hash = ''): string {
  const at = name.lastIndexOf('#');
  const path =
    at < 0
      ? `/runs/${encodeURIComponent(name)}`
      : `/runs/${encodeURIComponent(name.slice(0, at))}/${encodeURIComponent(name.slice(at + 1))}`;
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value));
  const text = search.toString();
  return `${path}${text ? `?${text}` : ''}${hash}`;
}

/** As the API is asked for it: `name~42`, which needs no escaping. */
export function runRef(name: string): string {
  const at = name.lastIndexOf('#');
  return at < 0 ? name : `${name.slice(0, at)}~${name.slice(at + 1)}`;
}

export const pipelinePlace = (name: string, tab = 'runs'): string => `/pipelines/${encodeURIComponent(name)}/${tab}`;
export const versionsPlace = (name: string, from: number, to: number): string => `/pipelines/${encodeURIComponent(name)}/versions/${from}..${to}`;
export const taskPlace = (id: string, run?: number): string =>
  `/tasks/${encodeURIComponent(id)}${run === undefined ? '' : `?run=${run}`}`;
export const workerPlace = (name: string): string => `/fleet/workers/${encodeURIComponent(name)}`;
export const inboxPlace = (id: string): string => `/inbox/${encodeURIComponent(id)}`;

export interface Matched {
  [name: string]: string;
}

/** The parts of a path that a pattern names, or nothing where it does not fit. */
export function match(pattern: string, path: string): Matched | undefined {
  const wanted = pattern.split('/').filter(Boolean);
  const given = path.split('/').filter(Boolean);
  if (wanted.length !== given.length) return undefined;
  const found: Matched = {};
  for (const [place, part] of wanted.entries()) {
    const got = given[place] ?? '';
    if (part.startsWith(':')) {
      try {
        found[part.slice(1)] = decodeURIComponent(got);
      } catch {
        return undefined;
      }
    } else if (part !== got) return undefined;
  }
  return found;
}
