/** Every route of the app, as its own document lists them, with a sound request to each. */
import type { World } from './world.ts';

export interface RouteCase {
  method: string;
  path: string;
  /** A sound body, where the route takes one. */
  body?: Record<string, unknown>;
  /** A sound query, where the route needs one. */
  query?: string;
  access: 'public' | 'session' | 'reader';
}

interface Operation {
  security?: Record<string, unknown>[];
  requestBody?: unknown;
}

const BODIES: Record<string, Record<string, unknown>> = {
  'POST /api/auth/register': { email: 'somebody@example.org', password: 'a quite unusual passphrase' },
  'POST /api/auth/login': { email: 'nobody@example.org', password: 'a quite unusual passphrase' },
  'POST /api/auth/password': { current_password: 'wrong passphrase here', new_password: 'another passphrase' },
  'POST /api/auth/reset-password': { token: 'or_pwr_x', new_password: 'another passphrase' },
  'DELETE /api/auth/me': { password: 'wrong passphrase here' },
  'POST /api/keys': { name: 'key', key: 'sk-or-v1-nobody' },
  'PATCH /api/keys/{id}': { name: 'renamed' },
  'POST /api/tokens': { name: 'token' },
  'POST /api/channels': { type: 'slack', name: 'channel', url: 'https://hooks.example.org/x' },
  'POST /api/alert-rules': { type: 'budget', amount_usd: 10, period: 'month' },
  'PATCH /api/alert-rules/{id}': { name: 'renamed' },
  'PATCH /api/alerts/{id}': { acknowledged: true },
};

const QUERIES: Record<string, string> = { 'GET /api/alert-rules/preview': '?amount_usd=10&period=month' };

const accessOf = ({ security = [] }: Operation): RouteCase['access'] => {
  if (security.length === 0 || security.some((entry) => Object.keys(entry).length === 0)) return 'public';
  return security.some((entry) => 'apiToken' in entry) ? 'reader' : 'session';
};

/** The routes of the document; fails if one takes a body that is not known here. */
export async function listRoutes(world: World): Promise<RouteCase[]> {
  const { body: document } = await world.json<{ paths: Record<string, Record<string, Operation>> }>('GET', '/openapi.json');
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([verb, operation]): RouteCase => {
      const method = verb.toUpperCase();
      const body = BODIES[`${method} ${path}`];
      if (operation.requestBody !== undefined && !body) throw new Error(`no sound body is known for ${method} ${path}`);
      const query = QUERIES[`${method} ${path}`];
      return { method, path, access: accessOf(operation), ...(body && { body }), ...(query && { query }) };
    }),
  );
}

export const withId = (path: string, id: number | string): string => path.replace('{id}', String(id));

/** Something of a user's that a path of the API or of a page may name. */
export async function makeThing(here: World, { token }: { token: string }, path: string): Promise<number> {
  const is = (room: string): boolean => path.startsWith(`/api/${room}`) || path.startsWith(`/${room}`);
  const post = async (at: string, body: object) => (await here.json<{ id: number }>('POST', at, { token, body })).body.id;
  if (is('tokens')) return post('/api/tokens', { name: 'x' });
  if (is('channels') || is('alerts/channels'))
    return post('/api/channels', { type: 'slack', name: 'x', url: 'https://hooks.example.org/x' });
  const key = await here.makeKey(token);
  if (is('alert-rules') || is('alerts/rules')) return post('/api/alert-rules', { type: 'key_invalid' });
  if (!is('alerts')) return key.id;
  here.simulator.spend(key.text, { nano: 5_000_000_000 });
  here.clock.now += 3_600_000;
  await here.sync();
  await post('/api/alert-rules', { type: 'budget', amount_usd: 1, period: 'month' });
  await here.drain();
  const { body } = await here.json<{ data: { id: number }[] }>('GET', '/api/alerts', { token });
  return body.data[0]?.id ?? 0;
}
