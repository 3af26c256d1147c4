/** Routes of accounts. */
import { createRoute } from '@hono/zod-openapi';
import { access, createRouter, jsonAnswer, jsonBody, problems } from '../http/openapi.ts';
import { throttleAddress } from '../http/rate-limit.ts';
import { changePassword, deleteAccount, getAccount, register, resetPassword, signIn, signOut } from './actions.ts';
import {
  accountSchema,
  changePasswordSchema,
  deleteAccountSchema,
  loginSchema,
  registerSchema,
  resetPasswordSchema,
  signedInSchema,
} from './model.ts';

const tags = ['Account'];

const throttled = (purpose: string) => ({
  ...access.publicJson,
  middleware: [...access.publicJson.middleware, throttleAddress(purpose)],
});

const registerRoute = createRoute({
  method: 'post',
  path: '/api/auth/register',
  tags,
  summary: 'Create an account',
  description: 'Needs an invitation, unless the deployment is open to everybody.',
  ...throttled('register'),
  request: jsonBody(registerSchema),
  responses: { 201: jsonAnswer(accountSchema, 'The account'), ...problems(400, 403, 409, 413, 415, 422, 429) },
});

const loginRoute = createRoute({
  method: 'post',
  path: '/api/auth/login',
  tags,
  summary: 'Sign in',
  ...throttled('login'),
  request: jsonBody(loginSchema),
  responses: { 200: jsonAnswer(signedInSchema, 'A session'), ...problems(400, 401, 413, 415, 422, 429) },
});

const logoutRoute = createRoute({
  method: 'post',
  path: '/api/auth/logout',
  tags,
  summary: 'End this session',
  ...access.session,
  responses: { 204: { description: 'The session is over' }, ...problems(401) },
});

const meRoute = createRoute({
  method: 'get',
  path: '/api/auth/me',
  tags,
  summary: 'Who am I',
  ...access.session,
  responses: { 200: jsonAnswer(accountSchema, 'The account'), ...problems(401) },
});

const passwordRoute = createRoute({
  method: 'post',
  path: '/api/auth/password',
  tags,
  summary: 'Change the password',
  description: 'All other sessions end.',
  ...access.sessionJson,
  request: jsonBody(changePasswordSchema),
  responses: { 204: { description: 'The password is changed' }, ...problems(400, 401, 409, 413, 415, 422, 429) },
});

const resetRoute = createRoute({
  method: 'post',
  path: '/api/auth/reset-password',
  tags,
  summary: 'Set a password with a one-time link',
  description: 'The token is that of the link that `npm run reset-password` prints. All sessions end.',
  ...throttled('reset-password'),
  request: jsonBody(resetPasswordSchema),
  responses: { 204: { description: 'The password is set' }, ...problems(400, 403, 413, 415, 422, 429) },
});

const deleteRoute = createRoute({
  method: 'delete',
  path: '/api/auth/me',
  tags,
  summary: 'Delete the account and all that belongs to it',
  ...access.sessionJson,
  request: jsonBody(deleteAccountSchema),
  responses: { 204: { description: 'The account is gone' }, ...problems(400, 401, 413, 415, 422, 429) },
});

export const accountsApi = createRouter();

accountsApi.openapi(registerRoute, async (c) => c.json(await register(c.var.deps, c.req.valid('json')), 201));

accountsApi.openapi(loginRoute, async (c) => {
  c.header('cache-control', 'no-store');
  return c.json(await signIn(c.var.deps, c.req.valid('json')), 200);
});

accountsApi.openapi(logoutRoute, async (c) => {
  await signOut(c.var.deps, c.var.actor);
  return c.body(null, 204);
});

accountsApi.openapi(meRoute, async (c) => c.json(await getAccount(c.var.deps, c.var.actor), 200));

accountsApi.openapi(passwordRoute, async (c) => {
  await changePassword(c.var.deps, c.var.actor, c.req.valid('json'));
  return c.body(null, 204);
});

accountsApi.openapi(resetRoute, async (c) => {
  await resetPassword(c.var.deps, c.req.valid('json'));
  return c.body(null, 204);
});

accountsApi.openapi(deleteRoute, async (c) => {
  await deleteAccount(c.var.deps, c.var.actor, c.req.valid('json'));
  return c.body(null, 204);
});
