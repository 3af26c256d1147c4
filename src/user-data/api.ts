import { createApi } from '../http/route.ts';
import { deleteAccountSchema } from '../users/model.ts';
import { deleteAccount } from './actions.ts';

export const userDataApi = createApi();

userDataApi.route({
  method: 'delete',
  path: '/api/auth/me',
  tag: 'Account',
  summary: 'Delete your account and all its data',
  access: 'session',
  body: deleteAccountSchema,
  success: { status: 204, description: 'The account is deleted' },
  problems: [429],
  handle: ({ deps, actor, body }) => deleteAccount(deps, actor, body),
});
