/** Routes of keys. */
import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { access, createRouter, idParam, jsonAnswer, jsonBody, problems } from '../http/openapi.ts';
import { addKey, deleteKey, getKey, listKeys, requestSync, updateKey } from './actions.ts';
import { addKeySchema, keySchema, presentKey, updateKeySchema } from './model.ts';

const tags = ['Keys'];
const keyListSchema = z.array(keySchema);

const addRoute = createRoute({
  method: 'post',
  path: '/api/keys',
  tags,
  summary: 'Add an OpenRouter key',
  description: 'Asks OpenRouter first. What it refuses is 422; where it cannot be reached the key is stored as `unverified`.',
  ...access.sessionJson,
  request: jsonBody(addKeySchema),
  responses: { 201: jsonAnswer(keySchema, 'The key, without its text'), ...problems(400, 401, 409, 413, 415, 422) },
});

const listRoute = createRoute({
  method: 'get',
  path: '/api/keys',
  tags,
  summary: 'List your keys',
  ...access.session,
  responses: { 200: jsonAnswer(keyListSchema, 'Your keys, oldest first'), ...problems(401) },
});

const getRoute = createRoute({
  method: 'get',
  path: '/api/keys/{id}',
  tags,
  summary: 'Look at a key',
  ...access.session,
  request: { params: idParam },
  responses: { 200: jsonAnswer(keySchema, 'The key, without its text'), ...problems(401, 403, 404, 422) },
});

const updateRoute = createRoute({
  method: 'patch',
  path: '/api/keys/{id}',
  tags,
  summary: 'Rename, pause, resume or replace a key',
  ...access.sessionJson,
  request: { params: idParam, ...jsonBody(updateKeySchema) },
  responses: { 200: jsonAnswer(keySchema, 'The key as it is now'), ...problems(400, 401, 403, 404, 409, 413, 415, 422) },
});

const deleteRoute = createRoute({
  method: 'delete',
  path: '/api/keys/{id}',
  tags,
  summary: 'Delete a key and its history',
  ...access.session,
  request: { params: idParam },
  responses: { 204: { description: 'The key, its ciphertext and its history are gone' }, ...problems(401, 403, 404, 422) },
});

const syncRoute = createRoute({
  method: 'post',
  path: '/api/keys/{id}/sync',
  tags,
  summary: 'Read a key now',
  ...access.session,
  request: { params: idParam },
  responses: {
    202: jsonAnswer(z.object({ status: z.literal('queued') }), 'The key is read within seconds'),
    ...problems(400, 401, 403, 404, 422, 429),
  },
});

const publicListRoute = createRoute({
  method: 'get',
  path: '/api/v1/keys',
  tags: ['Public API'],
  summary: 'List your keys',
  ...access.reader,
  responses: { 200: jsonAnswer(keyListSchema, 'Your keys, oldest first'), ...problems(401, 429) },
});

export const keysApi = createRouter();

keysApi.openapi(addRoute, async (c) => c.json(presentKey(await addKey(c.var.deps, c.var.actor, c.req.valid('json'))), 201));

keysApi.openapi(listRoute, async (c) => c.json((await listKeys(c.var.deps, c.var.actor)).map(presentKey), 200));

keysApi.openapi(getRoute, async (c) => c.json(presentKey(await getKey(c.var.deps, c.var.actor, c.req.valid('param').id)), 200));

keysApi.openapi(updateRoute, async (c) =>
  c.json(presentKey(await updateKey(c.var.deps, c.var.actor, c.req.valid('param').id, c.req.valid('json'))), 200),
);

keysApi.openapi(deleteRoute, async (c) => {
  await deleteKey(c.var.deps, c.var.actor, c.req.valid('param').id);
  return c.body(null, 204);
});

keysApi.openapi(syncRoute, async (c) => {
  await requestSync(c.var.deps, c.var.actor, c.req.valid('param').id);
  return c.json({ status: 'queued' as const }, 202);
});

keysApi.openapi(publicListRoute, async (c) => c.json((await listKeys(c.var.deps, c.var.actor)).map(presentKey), 200));
