/** `/openapi.json`, generated from the schemas that validate, and `/docs`, an interactive reference that loads nothing from elsewhere. */
import * as z from 'zod';
import { Layout } from './layout.tsx';
import { describeRoutes } from './openapi.ts';
import { type Api, createApi, type RouteDescription } from './route.ts';

const DocsPage = () => (
  <Layout title="API reference" styles={['swagger-ui.css', 'docs.css']} scripts={['swagger-ui-bundle.js', 'docs.js']}>
    <div id="swagger-ui">
      <noscript>
        The interactive reference needs JavaScript. The document itself is <a href="/openapi.json">openapi.json</a>.
      </noscript>
    </div>
  </Layout>
);

/** The routes that describe these routes and themselves. */
export function createDocsApi(described: readonly RouteDescription[]): Api {
  const api = createApi();
  api.route({
    method: 'get',
    path: '/openapi.json',
    tag: 'Service',
    summary: 'This document',
    access: 'public',
    success: { status: 200, description: 'OpenAPI 3.1', schema: z.record(z.string(), z.unknown()) },
    handle: () => describeRoutes([...described, ...api.descriptions]),
  });
  api.route({
    method: 'get',
    path: '/docs',
    tag: 'Service',
    summary: 'Interactive reference',
    access: 'public',
    success: { status: 200, description: 'A page', others: ['text/html'] },
    handle: ({ c }) => c.html(<DocsPage />),
  });
  return api;
}
