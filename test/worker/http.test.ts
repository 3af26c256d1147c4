import { createExecutionContext } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { ConfigError } from '../../src/config.ts';
import { takeLoggedErrors } from '../support/no-console-error.ts';
import { listRoutes, makeThing, withId } from '../support/routes.ts';
import { createWorld } from '../support/world.ts';

interface Problem {
  status: number;
  title: string;
  type: string;
  detail: string;
  errors?: { path: string; message: string }[];
}

const world = createWorld();
const routes = await listRoutes(world);
const label = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;
const named = routes.map((route) => ({ ...route, name: label(route) }));
const closed = named.filter(({ access }) => access !== 'public');
const withBody = named.filter(({ body }) => body !== undefined);
const withPathId = named.filter(({ path }) => path.includes('{id}'));

async function expectProblem(response: Response, ...statuses: number[]): Promise<Problem> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = (await response.json()) as Problem;
  expect(statuses).toContain(response.status);
  expect(problem).toMatchObject({ status: response.status, title: expect.any(String), type: expect.any(String) });
  expect(problem.detail).toMatch(/^\S.*\S$/s);
  return problem;
}

/** Each world has an address of its own, so that no throttle gets in the way. */
const elsewhere = () => createWorld();

describe('every route', () => {
  it('is known to this table', () => {
    expect(routes.length).toBeGreaterThanOrEqual(20);
    expect(withBody.length).toBeGreaterThanOrEqual(8);
    expect(withPathId.length).toBeGreaterThanOrEqual(5);
  });

  it.each(closed)('$name refuses anonymous, forged and ended credentials', async (route) => {
    const here = elsewhere();
    const path = withId(route.path, 1);
    const body = route.body && { body: route.body };
    const user = await here.makeUser();
    await here.call('POST', '/api/auth/logout', { token: user.token });
    for (const token of [undefined, 'garbage', 'or_api_garbage', `${user.token}x`, user.token]) {
      const response = await here.call(route.method, path, { ...body, ...(token !== undefined && { token }) });
      await expectProblem(response, 401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
    }
    for (const authorization of ['', 'Bearer', 'Basic dTpw', 'Bearer a b']) {
      await expectProblem(await here.call(route.method, path, { ...body, headers: { authorization } }), 401);
    }
  });

  it.each(closed.filter(({ access }) => access === 'session'))('$name refuses an API token', async (route) => {
    const here = elsewhere();
    const user = await here.makeUser();
    const { body } = await here.json<{ token: string }>('POST', '/api/tokens', { token: user.token, body: { name: 'x' } });
    await expectProblem(
      await here.call(route.method, withId(route.path, 1), { token: body.token, ...(route.body && { body: route.body }) }),
      401,
    );
  });

  it.each(withPathId)('$name refuses what is somebody else’s, what is not there, and what is no id', async (route) => {
    const here = elsewhere();
    const [owner, other] = [await here.makeUser(), await here.makeUser()];
    const id = await makeThing(here, owner, route.path);
    const lists = ['/api/keys', '/api/tokens', '/api/channels', '/api/alert-rules', '/api/alerts'];
    const seen = () => Promise.all(lists.map(async (path) => (await here.json('GET', path, { token: owner.token })).body));
    const before = await seen();
    const call = (value: string | number) =>
      here.call(route.method, withId(route.path, value), { token: other.token, ...(route.body && { body: route.body }) });
    await expectProblem(await call(id), 403);
    await expectProblem(await call(987_654_321), 404);
    for (const bad of [
      '0',
      '-1',
      '1.5',
      'abc',
      '99999999999999999999',
      '%00',
      '1%20or%201',
      'NaN',
      '1e400',
      '0x1',
      '1e0',
      '1.0',
      '+1',
      '01',
      '%201',
    ])
      await expectProblem(await call(bad), 404, 422);
    expect(await seen()).toEqual(before);
  });

  it.each(named)('$name answers another method with 405 and what is possible, even to nobody', async (route) => {
    const here = elsewhere();
    // A name in a path is an id of another route, too.
    const isServed = (pattern: string): boolean => new RegExp(`^${pattern.replaceAll('{id}', '[^/]+')}$`).test(withId(route.path, 1));
    const possible = [...new Set(routes.filter(({ path }) => isServed(path)).map(({ method }) => method))];
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((candidate) => !possible.includes(candidate))) {
      const response = await here.call(method, withId(route.path, 1));
      await expectProblem(response, 405);
      expect(
        (response.headers.get('allow') ?? '')
          .split(', ')
          .filter((allowed) => allowed !== 'HEAD')
          .sort(),
      ).toEqual([...possible].sort());
    }
  });

  it.each(withBody)('$name refuses bodies that are malformed, too large or of another type', async (route) => {
    const here = elsewhere();
    const user = await here.makeUser();
    const key = await here.makeKey(user.token);
    const path = withId(route.path, key.id);
    const json = { 'content-type': 'application/json' };
    const send = (raw: BodyInit, headers: Record<string, string>, token: string | undefined = user.token) =>
      here.call(route.method, path, { raw, headers, ...(token && { token }) });
    for (const raw of ['', '{', 'nonsense', '{"a":}', '\u0000']) await expectProblem(await send(raw, json), 400);
    for (const raw of ['null', '[]', '"text"', '1', '{}', '{"name":{},"email":[],"password":7}']) {
      if (raw === '{}' && route.method === 'PATCH') continue;
      const problem = await expectProblem(await send(raw, json), 422);
      expect(problem.errors?.length).toBeGreaterThan(0);
    }
    const unknown = await expectProblem(await send(JSON.stringify({ ...route.body, is_admin: true }), json), 422);
    expect(unknown.errors).toEqual([{ path: 'is_admin', message: 'Unknown field' }]);
    const large = JSON.stringify({ ...route.body, filler: 'x'.repeat(65 * 1024) });
    await expectProblem(await send(large, json), 413);
    await expectProblem(await send(large, json, ''), 413);
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/jsonp',
      'text/json',
    ]) {
      await expectProblem(await send(JSON.stringify(route.body), { 'content-type': type }, ''), 415);
    }
    const chunks = new Response('x'.repeat(70 * 1024)).body as ReadableStream;
    await expectProblem(await send(chunks, json), 413);
  });

  it.each(named.filter(({ method }) => method === 'GET'))('$name answers HEAD like GET, without a body', async (route) => {
    const here = elsewhere();
    const user = await here.makeUser();
    const key = await here.makeKey(user.token);
    const path = withId(route.path, key.id);
    const response = await here.call('HEAD', path + (route.query ?? ''), { token: user.token });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it.each(named)('$name has the headers that keep a browser safe', async (route) => {
    const response = await elsewhere().call(route.method, withId(route.path, 1), { ...(route.body && { body: route.body }) });
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(response.headers.get('strict-transport-security')).toBe('max-age=31536000');
    expect(response.headers.get('cache-control')).toContain('no-store');
    expect(response.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('subdomains', () => {
  it('are under Strict-Transport-Security only where the operator says so, whatever the answer is', async () => {
    for (const isHstsForSubdomains of [false, true]) {
      const here = createWorld({ config: { isHstsForSubdomains } });
      for (const path of ['/', '/login', '/health', '/nowhere', '/api/keys', '/openapi.json']) {
        const { headers } = await here.call('GET', path);
        const value = isHstsForSubdomains ? 'max-age=31536000; includeSubDomains' : 'max-age=31536000';
        expect([path, headers.get('strict-transport-security')]).toEqual([path, value]);
      }
    }
  });
});

describe('bad input', () => {
  it('names every wrong field', async () => {
    const here = elsewhere();
    const user = await here.makeUser();
    const problem = await expectProblem(
      await here.call('POST', '/api/keys', { token: user.token, body: { name: '', key: 'sk-ant-x' } }),
      422,
    );
    expect(problem.errors?.map(({ path }) => path)).toEqual(['name', 'key']);
    for (const name of ['', ' ', 'x'.repeat(101)]) {
      const refused = await expectProblem(await here.call('POST', '/api/tokens', { token: user.token, body: { name } }), 422);
      expect(refused.errors).toEqual([{ path: 'name', message: 'Must have 1 to 100 characters' }]);
    }
    expect((await here.json('GET', '/api/tokens', { token: user.token })).body).toEqual([]);
  });

  it.each([
    ['from=2026-11-10&to=2026-11-09', 'from'],
    ['from=2025-11-14&to=2026-11-15', 'from'],
    ['from=2026-02-30', 'from'],
    ['to=tomorrow', 'to'],
    ['from=2026-11-01T00:00:00Z', 'from'],
    ['tz=Mars/Olympus', 'tz'],
    ['tz=%2B02:00', 'tz'],
    ['key_id=0', 'key_id'],
    ['key_id=x', 'key_id'],
    ['key_id=0x1', 'key_id'],
    ['to=0000-01-05', 'to'],
    ['key_id=1&key_id=2', 'key_id'],
    ['form=2026-11-01', 'form'],
  ])('in the query %s is 422 at %s', async (query, path) => {
    const here = elsewhere();
    const user = await here.makeUser();
    for (const route of ['/api/v1/stats', '/api/v1/usage']) {
      const problem = await expectProblem(await here.call('GET', `${route}?${query}`, { token: user.token }), 422);
      expect(problem.errors?.map((error) => error.path)).toEqual([path]);
    }
  });

  it.each([
    ['group_by=', 'group_by'],
    ['group_by=day,day', 'group_by'],
    ['group_by=day,key,model', 'group_by'],
    ['group_by=week', 'group_by'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['format=xml', 'format'],
    ['cursor=garbage', 'cursor'],
    ['cursor=W10', 'cursor'],
    ['cursor=WyIyMDI2LTExLTAxIiwxXQ', 'cursor'],
    ['cursor=eyJhIjoxfQ', 'cursor'],
    ['group_by=provider&cursor=WyJtb2RlbCIsbnVsbF0', 'cursor'],
    ['limit=1e2', 'limit'],
  ])('in the query %s of usage is 422 at %s', async (query, path) => {
    const here = elsewhere();
    const user = await here.makeUser();
    const problem = await expectProblem(await here.call('GET', `/api/v1/usage?${query}`, { token: user.token }), 422);
    expect(problem.errors?.map((error) => error.path)).toEqual([path]);
  });

  it('that is no Unicode is refused, not altered', async () => {
    const here = elsewhere();
    const user = await here.makeUser();
    const send = (raw: BodyInit) =>
      here.call('POST', '/api/tokens', { token: user.token, raw, headers: { 'content-type': 'application/json' } });
    const bytes = new TextEncoder().encode('{"name":"xx"}');
    bytes.set([0xff, 0xfe], 9);
    await expectProblem(await send(bytes), 400);
    await expectProblem(await send('{"name":"\\ud800x"}'), 422);
  });

  it('where no body is expected is 415 too', async () => {
    const here = elsewhere();
    await expectProblem(
      await here.call('POST', '/api/auth/logout', { raw: '{bad', headers: { 'content-type': 'text/plain', 'content-length': '4' } }),
      415,
    );
    await expectProblem(await here.call('POST', '/api/auth/logout', { headers: { 'content-type': 'text/plain' } }), 401);
  });

  it('at addresses where nothing is is 404', async () => {
    for (const path of ['/api', '/api/keys/1/nothing', '/api/v2/stats', '/.env', '/api/keys/', '//', '/%00', '/%ff']) {
      await expectProblem(await elsewhere().call('GET', path), 404);
      await expectProblem(await elsewhere().call('POST', path, { raw: 'x', headers: { 'content-type': 'text/plain' } }), 404);
    }
  });
});

describe('what goes wrong inside', () => {
  it('is a 500 with a request id and nothing of the inside', async () => {
    const app = createApp(() => {
      throw new Error('the inside: sk-or-v1-secret');
    });
    const response = await app.request('/api/keys', {}, {}, createExecutionContext());
    const problem = await expectProblem(response, 500);
    expect(problem).toMatchObject({ request_id: response.headers.get('x-request-id') });
    expect(JSON.stringify(problem)).not.toContain('inside');
    const [logged = ''] = takeLoggedErrors();
    expect(logged).toContain(response.headers.get('x-request-id'));
    expect(logged).not.toContain('sk-or-v1-secret');
  });

  it('is a 503 that names a wrong variable', async () => {
    const app = createApp(() => {
      throw new ConfigError('JWT_SECRET is missing');
    });
    const problem = await expectProblem(await app.request('/health', {}, {}, createExecutionContext()), 503);
    expect(problem.detail).toContain('JWT_SECRET is missing');
    expect(takeLoggedErrors()[0]).toContain('JWT_SECRET is missing');
  });
});
