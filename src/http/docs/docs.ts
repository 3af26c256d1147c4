/** `scripts/build-assets.ts` makes the document, so its generator is not part of the Worker. Served from here with the usual headers. */
import * as z from 'zod';
import { type Api, createApi } from '../route.ts';

export function createDocsApi(drawPage: () => string | Promise<string>): Api {
  const api = createApi();
  api.route({
    method: 'get',
    path: '/openapi.json',
    tag: 'Service',
    summary: 'This document',
    access: 'public',
    success: { status: 200, description: 'OpenAPI 3.1', schema: z.record(z.string(), z.unknown()) },
    handle: async ({ c, deps }) => c.body(await deps.readAsset('openapi.json'), 200, { 'content-type': 'application/json' }),
  });
  api.route({
    method: 'get',
    path: '/docs',
    tag: 'Service',
    summary: 'Interactive reference',
    access: 'public',
    success: { status: 200, description: 'A page', others: ['text/html'] },
    handle: ({ c }) => c.html(drawPage()),
  });
  return api;
}
