/** One door to the API: typed by its description, and aware of how it refuses. */
import { heard } from './clock';
import type { paths } from './schema';
import type { Problem } from './types';

type Method = 'get' | 'post' | 'put' | 'delete' | 'patch';
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;
type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends undefined ? never : P;
}[keyof paths];

type Json<R> = R extends { content: { 'application/json': infer T } } ? T : undefined;
type Answer<O> = O extends { responses: infer R }
  ? R extends { 201: infer C; 200: infer S }
    ? Json<C> | Json<S>
    : R extends { 201: infer C }
      ? Json<C>
      : R extends { 200: infer S }
        ? Json<S>
        : undefined
  : never;
type PathParams<O> = O extends { parameters: { path: infer P } } ? { path: P } : { path?: undefined };
type QueryParams<O> = O extends { parameters: { query: infer Q } }
  ? { query: Q }
  : O extends { parameters: { query?: infer Q } }
    ? { query?: NonNullable<Q> }
    : { query?: undefined };
type BodyOf<O> = O extends { requestBody: { content: { 'application/json': infer B } } }
  ? { body: B }
  : O extends { requestBody?: { content: { 'application/json': infer B } } }
    ? { body?: B }
    : { body?: undefined };
type Options<O> = PathParams<O> &
  QueryParams<O> &
  BodyOf<O> & {
    /** Of the version that was seen: refused with 412 when there is another one by now. */
    ifMatch?: string;
    /** Names the wish, so that sending it again is harmless. Drawn when a `POST` is given none. */
    key?: string;
    signal?: AbortSignal;
  };
type Args<O> = {} extends Options<O> ? [options?: Options<O>] : [options: Options<O>];

/** An answer that is none: what, why, and what to do instead. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail || problem.title);
    this.name = 'Refusal';
  }

  get code(): string {
    return this.problem.code;
  }

  get hints(): string[] {
    return this.problem.hints ?? [];
  }

  /** What is wrong with one field, by its path. */
  field(path: string): string | undefined {
    return this.problem.fields?.find((field) => field.field === path)?.problem;
  }
}

/** As a problem, whatever went wrong. */
export function refusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new Refusal(0, { status: 0, code: 'unreachable', title: 'The server does not answer', detail });
}

export function urlOf(path: string, values?: Record<string, unknown>, query?: object): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values?.[name] ?? '')));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '') search.append(name, String(value));
  }
  const text = search.toString();
  return text ? `${filled}?${text}` : filled;
}

/** What happens when the server does not know us any more. */
let onStranger: () => void = () => undefined;
export function whenStranger(then: () => void): void {
  onStranger = then;
}

export async function problemOf(response: Response): Promise<Refusal> {
  const kind = response.headers.get('content-type') ?? '';
  if (kind.startsWith('application/problem+json')) {
    return new Refusal(response.status, (await response.json()) as Problem);
  }
  const title = response.statusText || `status ${response.status}`;
  const id = response.headers.get('x-request-id');
  return new Refusal(response.status, {
    status: response.status,
    code: 'no_problem',
    title,
    detail: (await response.text()).slice(0, 500) || title,
    request_id: id,
  });
}

/** Sends a request of any form and gives its answer as it is; refusals are thrown. */
export async function send(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw refusal(new Error('nothing came back: is `orchestrate serve` running?'));
  }
  heard(response.headers.get('date'));
  if (response.ok || response.status === 304) return response;
  const refused = await problemOf(response);
  if (response.status === 401 && !url.startsWith('/api/session')) onStranger();
  throw refused;
}

export interface Tagged<T> {
  data: T;
  /** Goes back as `ifMatch`. */
  tag: string | undefined;
}

async function request<T>(method: Method, path: string, options: Options<never> | undefined): Promise<Tagged<T>> {
  const given = (options ?? {}) as {
    path?: Record<string, unknown>;
    query?: object;
    body?: unknown;
    ifMatch?: string;
    key?: string;
    signal?: AbortSignal;
  };
  const headers: Record<string, string> = { accept: 'application/json' };
  if (given.body !== undefined) headers['content-type'] = 'application/json';
  if (given.ifMatch) headers['if-match'] = given.ifMatch;
  if (given.key) headers['idempotency-key'] = given.key;
  const response = await send(urlOf(path, given.path, given.query), {
    method: method.toUpperCase(),
    headers,
    ...(given.body === undefined ? {} : { body: JSON.stringify(given.body) }),
    ...(given.signal ? { signal: given.signal } : {}),
  });
  const data = (response.status === 204 ? undefined : await response.json()) as T;
  return { data, tag: response.headers.get('etag') ?? undefined };
}

export async function get<P extends PathsWith<'get'>>(
  path: P,
  ...[options]: Args<Operation<P, 'get'>>
): Promise<Answer<Operation<P, 'get'>>> {
  return (await getTagged(path, ...([options] as Args<Operation<P, 'get'>>))).data;
}

export async function getTagged<P extends PathsWith<'get'>>(
  path: P,
  ...[options]: Args<Operation<P, 'get'>>
): Promise<Tagged<Answer<Operation<P, 'get'>>>> {
  return request('get', path, options as Options<never>);
}

/** Not by `randomUUID`: browsers have that only where the page came by TLS or from their own machine. */
function drawn(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A wish: drawn a key of its own, so that a lost answer is asked for again and not done twice. */
export async function post<P extends PathsWith<'post'>>(
  path: P,
  ...[options]: Args<Operation<P, 'post'>>
): Promise<Answer<Operation<P, 'post'>>> {
  const keyless = path === '/api/session' || path === '/api/tokens' || path === '/api/users';
  const key = keyless ? undefined : drawn();
  return (await request<Answer<Operation<P, 'post'>>>('post', path, { key, ...options } as Options<never>)).data;
}

export async function put<P extends PathsWith<'put'>>(
  path: P,
  ...[options]: Args<Operation<P, 'put'>>
): Promise<Answer<Operation<P, 'put'>>> {
  return (await request<Answer<Operation<P, 'put'>>>('put', path, options as Options<never>)).data;
}

export async function patch<P extends PathsWith<'patch'>>(
  path: P,
  ...[options]: Args<Operation<P, 'patch'>>
): Promise<Answer<Operation<P, 'patch'>>> {
  return (await request<Answer<Operation<P, 'patch'>>>('patch', path, options as Options<never>)).data;
}

export async function remove<P extends PathsWith<'delete'>>(
  path: P,
  ...[options]: Args<Operation<P, 'delete'>>
): Promise<void> {
  await request('delete', path, options as Options<never>);
}
