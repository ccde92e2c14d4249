/** What the description of the API does not name yet. */
import type { Queues, RolloutCheck, RolloutView, Switch } from './types';

interface Op<P, B, T> {
  parameters: { query?: never; header?: never; path: P; cookie?: never };
  requestBody?: B;
  responses: { 200: { headers: { [name: string]: unknown }; content: { 'application/json': T } } };
}
interface Plain<T> {
  parameters: { query?: never; header?: never; path?: never; cookie?: never };
  responses: { 200: { headers: { [name: string]: unknown }; content: { 'application/json': T } } };
}

interface Sent {
  parameters: { query?: never; header?: never; path?: never; cookie?: never };
  requestBody: { content: { 'application/json': Switch } };
  responses: { 200: { headers: { [name: string]: unknown }; content: { 'application/json': RolloutView } } };
}

declare module './schema' {
  interface paths {
    '/api/workers/{worker}': { delete: Op<{ worker: string }, undefined, undefined>; get?: never; post?: never; put?: never; patch?: never };
    '/api/workers/{worker}/drain': { post: Op<{ worker: string }, undefined, undefined>; get?: never; put?: never; delete?: never; patch?: never };
    '/api/workers/{worker}/resume': { post: Op<{ worker: string }, undefined, undefined>; get?: never; put?: never; delete?: never; patch?: never };
    '/api/queues': { get: Plain<Queues>; post?: never; put?: never; delete?: never; patch?: never };
    '/api/rollout': { get: Plain<RolloutView>; post?: never; put?: never; delete?: never; patch?: never };
    '/api/rollout/check': { get: Plain<RolloutCheck>; post?: never; put?: never; delete?: never; patch?: never };
    '/api/rollout/switch': { post: Sent; get?: never; put?: never; delete?: never; patch?: never };
    '/api/rollout/draining': { delete: Plain<RolloutView>; get?: never; post?: never; put?: never; patch?: never };
  }
}
