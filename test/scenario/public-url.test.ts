import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { createWorld, type World } from '../support/world.ts';

describe('the address at which people reach the monitor', () => {
  it('begins links in messages, whatever the address of the request was', async () => {
    const world = createWorld({ config: { publicUrl: 'https://people.example' } });
    const { token } = await world.makeUser();
    const channel = { type: 'webhook', name: 'ops', url: 'https://ops.example.org/hook' };
    const { body } = await world.json<{ id: number }>('POST', '/api/channels', { token, body: channel });
    await world.call('POST', `/api/channels/${body.id}/test`, { token });
    await world.drain();
    expect(JSON.parse(String(world.received[0]?.init.body)).data.url).toBe('https://people.example/alerts');
  });
});

/** Asks for a page, or sends a form, at an address. */
async function askAt(world: World, url: string, headers: Record<string, string>, body?: Record<string, string>) {
  const response = await world.app.request(
    url,
    {
      method: body ? 'POST' : 'GET',
      headers: { accept: 'text/html', ...(body && { 'content-type': 'application/x-www-form-urlencoded' }), ...headers },
      ...(body && { body: new URLSearchParams(body) }),
    },
    env,
    createExecutionContext(),
  );
  return { status: response.status, html: await response.text(), cookies: response.headers.getSetCookie() };
}

describe('a sign-in over plain http', () => {
  const NOTICE = 'Signing in needs https';
  const isSaid = async (world: World, url: string, headers: Record<string, string> = {}) =>
    (await askAt(world, url, headers)).html.includes(NOTICE);

  it('says before and after that it needs https, and neither compares a password nor makes an account', async () => {
    const world = createWorld({ config: { registration: 'open' } });
    const { email, password } = await world.makeUser();
    const origin = 'http://monitor.example:8787';
    for (const path of ['/', '/login', '/register']) expect(await isSaid(world, origin + path)).toBe(true);
    world.deps.passwords.verify = () => Promise.reject(new Error('a password is compared'));
    for (const [path, fields] of [
      ['/login', { email, password }],
      ['/register', { email: 'newcomer@example.org', password }],
    ] as const) {
      const { status, html, cookies } = await askAt(world, origin + path, { origin }, fields);
      expect([status, html.includes(NOTICE), html.includes(fields.email), cookies]).toEqual([400, true, true, []]);
    }
    expect(await env.DB.prepare("SELECT 1 FROM user WHERE email = 'newcomer@example.org'").first()).toBeNull();
  });

  it('says nothing on this machine, over https, or behind a proxy that ends TLS', async () => {
    const world = createWorld({ config: { registration: 'open' } });
    expect(await isSaid(world, 'http://localhost:8787/login')).toBe(false);
    expect(await isSaid(world, 'http://127.0.0.1:8787/register')).toBe(false);
    expect(await isSaid(world, 'https://monitor.example/login')).toBe(false);
    expect(await isSaid(world, 'http://inside/login', { 'x-forwarded-proto': 'https' })).toBe(false);
    expect(await isSaid(world, 'http://inside/login', { 'sec-fetch-site': 'none' })).toBe(false);
    const proxied = createWorld({ config: { publicUrl: 'https://people.example' } });
    const { email, password } = await proxied.makeUser();
    const headers = { 'sec-fetch-site': 'same-origin', origin: 'https://people.example' };
    const { status, cookies } = await askAt(proxied, 'http://inside/login', headers, { email, password });
    expect([status, cookies.every((cookie) => cookie.startsWith('__Host-') && cookie.includes('; Secure'))]).toEqual([303, true]);
    expect(cookies.length).toBeGreaterThan(0);
  });
});

describe('a form behind a proxy', () => {
  it('comes from the address at which people reach the monitor, whatever the address of the request is', async () => {
    const world = createWorld({ config: { publicUrl: 'https://people.example' } });
    const { email, password } = await world.makeUser();
    // A browser that does not say `Sec-Fetch-Site`.
    const statusFrom = async (origin: string) => (await askAt(world, 'http://inside/login', { origin }, { email, password })).status;
    expect(await statusFrom('https://people.example')).toBe(303);
    for (const origin of ['http://inside', 'https://other.example', 'null']) expect(await statusFrom(origin)).toBe(403);
  });
});
