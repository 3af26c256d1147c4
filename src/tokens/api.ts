import { createApi } from '../http/route.ts';
import { idParams } from '../lib/id.ts';
import { createToken, listTokens, revokeToken } from './actions.ts';
import { createTokenSchema, presentToken } from './model.ts';
import { createdTokenSchema, tokensSchema } from './responses.ts';

const tag = 'API tokens';

export const tokensApi = createApi();

tokensApi.route({
  method: 'post',
  path: '/api/tokens',
  tag,
  summary: 'Create an API token',
  access: 'session',
  body: createTokenSchema,
  success: { status: 201, description: 'The token. Shown only once', schema: createdTokenSchema },
  handle: ({ deps, actor, body }) => createToken(deps, actor, body),
});

tokensApi.route({
  method: 'get',
  path: '/api/tokens',
  tag,
  summary: 'List your API tokens',
  access: 'session',
  success: { status: 200, description: 'Your tokens, newest first, including revoked ones', schema: tokensSchema },
  handle: async ({ deps, actor }) => (await listTokens(deps, actor)).map(presentToken),
});

tokensApi.route({
  method: 'delete',
  path: '/api/tokens/{id}',
  tag,
  summary: 'Revoke an API token',
  access: 'session',
  params: idParams,
  success: { status: 204, description: 'The token is revoked' },
  handle: ({ deps, actor, params }) => revokeToken(deps, actor, params.id),
});
