import { createApi } from '../http/route.ts';
import { idParams } from '../lib/id.ts';
import { addKey, deleteKey, getKey, listKeys, requestSync, updateKey } from './actions.ts';
import { addKeySchema, updateKeySchema } from './model.ts';
import { keySchema, keysSchema, queuedSchema } from './responses.ts';

const tag = 'Keys';
const keyList = { status: 200, description: 'Your keys, oldest first', schema: keysSchema } as const;

export const keysApi = createApi();

keysApi.route({
  method: 'post',
  path: '/api/keys',
  tag,
  summary: 'Add an OpenRouter key',
  description:
    'Verifies the key with OpenRouter. 422: OpenRouter rejects it. If OpenRouter is unreachable, the key is stored as `unverified`.',
  access: 'session',
  body: addKeySchema,
  success: { status: 201, description: 'The key, without its secret', schema: keySchema },
  problems: [409],
  handle: ({ deps, actor, body }) => addKey(deps, actor, body),
});

keysApi.route({
  method: 'get',
  path: '/api/keys',
  tag,
  summary: 'List your keys',
  access: 'session',
  etag: () => null,
  success: keyList,
  handle: ({ deps, actor }) => listKeys(deps, actor),
});

keysApi.route({
  method: 'get',
  path: '/api/keys/{id}',
  tag,
  summary: 'Get a key',
  access: 'session',
  etag: () => null,
  params: idParams,
  success: { status: 200, description: 'The key, without its secret', schema: keySchema },
  handle: ({ deps, actor, params }) => getKey(deps, actor, params.id),
});

keysApi.route({
  method: 'patch',
  path: '/api/keys/{id}',
  tag,
  summary: 'Rename, pause, resume or replace a key',
  access: 'session',
  params: idParams,
  body: updateKeySchema,
  success: { status: 200, description: 'The updated key', schema: keySchema },
  problems: [409],
  handle: ({ deps, actor, params, body }) => updateKey(deps, actor, params.id, body),
});

keysApi.route({
  method: 'delete',
  path: '/api/keys/{id}',
  tag,
  summary: 'Delete a key and its history',
  description:
    'Deleting a management key also deletes the keys that it discovered. 400: a discovered key cannot be deleted by itself; pause it.',
  access: 'session',
  params: idParams,
  problems: [400],
  success: { status: 204, description: 'The key, its ciphertext and its history are deleted' },
  handle: async ({ deps, actor, params }) => deleteKey(deps, actor, params.id),
});

keysApi.route({
  method: 'post',
  path: '/api/keys/{id}/sync',
  tag,
  summary: 'Sync a key now',
  description: 'At most once a minute, and not while OpenRouter asks to wait.',
  access: 'session',
  params: idParams,
  success: { status: 202, description: 'The key is synced within seconds', schema: queuedSchema },
  problems: [400, 429, 503],
  handle: async ({ deps, actor, params }) => {
    await requestSync(deps, actor, params.id);
    return { status: 'queued' as const };
  },
});

keysApi.route({
  method: 'get',
  path: '/api/v1/keys',
  tag: 'Public API',
  summary: 'List your keys',
  access: 'reader',
  etag: () => null,
  success: keyList,
  handle: ({ deps, actor }) => listKeys(deps, actor),
});
