/** Routes of API tokens. */
import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { access, createRouter, idParam, jsonAnswer, jsonBody, problems } from '../http/openapi.ts';
import { createToken, listTokens, revokeToken } from './actions.ts';
import { createdTokenSchema, createTokenSchema, presentToken, tokenSchema } from './model.ts';

const tags = ['API tokens'];

const createTokenRoute = createRoute({
  method: 'post',
  path: '/api/tokens',
  tags,
  summary: 'Make an API token',
  ...access.sessionJson,
  request: jsonBody(createTokenSchema),
  responses: { 201: jsonAnswer(createdTokenSchema, 'The token, shown this once'), ...problems(400, 401, 413, 415, 422) },
});

const listRoute = createRoute({
  method: 'get',
  path: '/api/tokens',
  tags,
  summary: 'List your API tokens',
  ...access.session,
  responses: { 200: jsonAnswer(z.array(tokenSchema), 'Your tokens, newest first, revoked ones too'), ...problems(401) },
});

const revokeRoute = createRoute({
  method: 'delete',
  path: '/api/tokens/{id}',
  tags,
  summary: 'Revoke an API token',
  ...access.session,
  request: { params: idParam },
  responses: { 204: { description: 'The token is refused from now on' }, ...problems(401, 403, 404, 422) },
});

export const tokensApi = createRouter();

tokensApi.openapi(createTokenRoute, async (c) => {
  c.header('cache-control', 'no-store');
  return c.json(await createToken(c.var.deps, c.var.actor, c.req.valid('json')), 201);
});

tokensApi.openapi(listRoute, async (c) => c.json((await listTokens(c.var.deps, c.var.actor)).map(presentToken), 200));

tokensApi.openapi(revokeRoute, async (c) => {
  await revokeToken(c.var.deps, c.var.actor, c.req.valid('param').id);
  return c.body(null, 204);
});
