import { createApi } from '../http/route.ts';
import { changePassword, getAccount, register, resetPassword, signIn, signOut } from './actions.ts';
import { changePasswordSchema, loginSchema, registerSchema, resetPasswordSchema } from './model.ts';
import { accountSchema, signedInSchema } from './responses.ts';

const tag = 'Account';

export const usersApi = createApi();

usersApi.route({
  method: 'post',
  path: '/api/auth/register',
  tag,
  summary: 'Create an account',
  description: 'Needs an invitation unless registration is open.',
  access: 'public',
  throttle: 'register',
  body: registerSchema,
  success: { status: 201, description: 'The account', schema: accountSchema },
  problems: [403, 409],
  handle: ({ deps, body }) => register(deps, body),
});

usersApi.route({
  method: 'post',
  path: '/api/auth/login',
  tag,
  summary: 'Sign in',
  access: 'public',
  throttle: 'login',
  body: loginSchema,
  success: { status: 200, description: 'A session', schema: signedInSchema },
  problems: [401, 409],
  handle: ({ deps, body }) => signIn(deps, body),
});

usersApi.route({
  method: 'post',
  path: '/api/auth/logout',
  tag,
  summary: 'Sign out',
  access: 'session',
  success: { status: 204, description: 'The session has ended' },
  handle: ({ deps, actor }) => signOut(deps, actor),
});

usersApi.route({
  method: 'get',
  path: '/api/auth/me',
  tag,
  summary: 'Get your account',
  access: 'session',
  success: { status: 200, description: 'The account', schema: accountSchema },
  handle: ({ deps, actor }) => getAccount(deps, actor),
});

usersApi.route({
  method: 'post',
  path: '/api/auth/password',
  tag,
  summary: 'Change the password',
  description: 'Ends all other sessions and disables password reset links.',
  access: 'session',
  body: changePasswordSchema,
  success: { status: 204, description: 'The password is changed' },
  problems: [409, 429],
  handle: ({ deps, actor, body }) => changePassword(deps, actor, body),
});

usersApi.route({
  method: 'post',
  path: '/api/auth/reset-password',
  tag,
  summary: 'Set a password with a one-time link',
  description: '`npm run reset-password` prints a link with the token. Ends all sessions.',
  access: 'public',
  throttle: 'reset-password',
  body: resetPasswordSchema,
  success: { status: 204, description: 'The password is set' },
  problems: [403],
  handle: ({ deps, body }) => resetPassword(deps, body),
});
