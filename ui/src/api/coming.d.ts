/** What the description of the API does not name yet. */
interface Op<P> {
  parameters: { query?: never; header?: never; path: P; cookie?: never };
  requestBody?: undefined;
  responses: { 200: { headers: { [name: string]: unknown }; content: { 'application/json': undefined } } };
}

declare module './schema' {
  interface paths {
    '/api/workers/{worker}': { delete: Op<{ worker: string }>; get?: never; post?: never; put?: never; patch?: never };
    '/api/workers/{worker}/drain': { post: Op<{ worker: string }>; get?: never; put?: never; delete?: never; patch?: never };
    '/api/workers/{worker}/resume': { post: Op<{ worker: string }>; get?: never; put?: never; delete?: never; patch?: never };
  }
}

export type {};
