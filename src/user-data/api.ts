/** The route that deletes a user. */
import { createApi } from '../http/route.ts';
import { deleteAccountSchema } from '../users/model.ts';
import { deleteAccount } from './actions.ts';

export const userDataApi = createApi();

userDataApi.route({
  method: 'delete',
  path: '/api/auth/me',
  tag: 'Account',
  summary: 'Delete the account and all that belongs to it',
  access: 'session',
  body: deleteAccountSchema,
  success: { status: 204, description: 'The account is gone' },
  problems: [429],
  handle: ({ deps, actor, body }) => deleteAccount(deps, actor, body),
});
