/** `/openapi.json`, generated from the schemas that validate, and `/docs`, an interactive reference that loads nothing from elsewhere. */
import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import * as z from 'zod';
import type { AppEnv } from './context.ts';
import { Layout } from './layout.tsx';
import { access, createRouter, DOCUMENT, registerSecurity } from './openapi.ts';

const documentRoute = createRoute({
  method: 'get',
  path: '/openapi.json',
  tags: ['Service'],
  summary: 'This document',
  ...access.public,
  responses: { 200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: z.any() } } } },
});

const docsRoute = createRoute({
  method: 'get',
  path: '/docs',
  tags: ['Service'],
  summary: 'Interactive reference',
  ...access.public,
  responses: { 200: { description: 'A page', content: { 'text/html': { schema: z.string() } } } },
});

const DocsPage = () => (
  <Layout title="API reference" styles={['/assets/swagger-ui.css']} scripts={['/assets/swagger-ui-bundle.js', '/assets/docs.js']}>
    <div id="swagger-ui">
      <noscript>
        The interactive reference needs JavaScript. The document itself is <a href="/openapi.json">openapi.json</a>.
      </noscript>
    </div>
  </Layout>
);

/** The routes that describe all routes of `app`. */
export function docsApi(app: OpenAPIHono<AppEnv>): OpenAPIHono<AppEnv> {
  registerSecurity(app);
  const router = createRouter();
  router.openapi(documentRoute, (c) => c.json(app.getOpenAPI31Document(DOCUMENT), 200));
  router.openapi(docsRoute, (c) => c.html(<DocsPage />, 200));
  return router;
}
