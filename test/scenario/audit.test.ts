import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { onCron } from '../../src/jobs/index.ts';
import { DAY_MS } from '../../src/lib/day.ts';
import { createWorld, freshKeyText, type World } from '../support/world.ts';

interface Event {
  id: number;
  action: string;
  subject: string | null;
  session_id: number | null;
  address: string | null;
  client: string | null;
  request_id: string;
}

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const headers = { 'user-agent': FIREFOX, 'cf-connecting-ip': '203.0.113.9' };

const log = async (world: World, token: string, query = '') =>
  (await world.json<{ data: Event[]; next_cursor: string | null }>('GET', `/api/audit${query}`, { token })).body;

/** What was done, the first first. */
const actions = async (world: World, token: string) =>
  (await log(world, token)).data.map(({ action, subject }) => (subject === null ? action : `${action} ${subject}`)).reverse();

describe('the audit log', () => {
  it('tells who did what, when and from where', async () => {
    const world = createWorld({ config: { registration: 'open' } });
    const account = { email: `audit.${crypto.randomUUID()}@example.org`, password: 'a quite unusual passphrase' };
    await world.json('POST', '/api/auth/register', { body: account });
    await world.json('POST', '/api/auth/login', { body: { ...account, password: 'wrong' }, headers });
    const signedIn = await world.json<{ access_token: string }>('POST', '/api/auth/login', { body: account, headers });
    const token = signedIn.body.access_token;
    const call = (method: string, path: string, body?: object) =>
      world.json<{ id: number }>(method, path, { token, ...(body && { body }) });
    const key = await world.makeKey(token, 'first');
    const next = freshKeyText();
    world.simulator.addKey(next);
    await call('PATCH', `/api/keys/${key.id}`, { name: 'second', is_active: false, key: next });
    await call('PATCH', `/api/keys/${key.id}`, { is_active: true, name: 'second' });
    await call('DELETE', `/api/keys/${key.id}`);
    const made = await call('POST', '/api/tokens', { name: 'robot' });
    await call('DELETE', `/api/tokens/${made.body.id}`);
    world.clock.now += 1000;
    await call('DELETE', `/api/tokens/${made.body.id}`);
    await (await world.call('GET', '/account/export', { headers: { cookie: `__Host-session=${token}` } })).text();
    await call('POST', '/api/auth/password', { current_password: 'not it', new_password: 'another unusual passphrase' });
    await call('POST', '/api/auth/password', { current_password: account.password, new_password: 'another unusual passphrase' });
    expect(await actions(world, token)).toEqual([
      'registered',
      'sign_in_failed',
      'signed_in',
      'key_added first',
      'key_replaced first',
      'key_renamed first',
      'key_paused first',
      'key_resumed second',
      'key_deleted second',
      'token_created robot',
      'token_revoked robot',
      'exported',
      'password_refused',
      'password_changed',
    ]);
    const { data } = await log(world, token);
    const [failed, entered] = ['sign_in_failed', 'signed_in'].map((name) => data.find(({ action }) => action === name));
    expect(failed).toMatchObject({ session_id: null, address: '203.0.113.9', client: 'Firefox on Linux' });
    expect(entered).toMatchObject({ session_id: expect.any(Number), request_id: signedIn.headers.get('x-request-id') });
    await call('POST', '/api/auth/logout');
  });

  it('tells of rules and channels that are made, changed, armed and deleted', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const management = freshKeyText();
    world.simulator.addKey(management, { isManagement: true });
    world.simulator.addKey(freshKeyText(), { name: 'backend' });
    const call = (method: string, path: string, body?: object) =>
      world.json<{ id: number }>(method, path, { token: user.token, ...(body && { body }) });
    await call('POST', '/api/keys', { name: 'account', key: management });
    await world.drain();
    const { body: keys } = await world.json<{ id: number; name: string }[]>('GET', '/api/keys', { token: user.token });
    const channel = await call('POST', '/api/channels', { type: 'slack', name: 'team', url: 'https://hooks.example.org/x' });
    const keyId = keys.find(({ name }) => name === 'backend')?.id;
    const budget = { type: 'budget', amount_usd: 10, period: 'day', key_id: keyId, name: 'cap' };
    const { id } = (await call('POST', '/api/alert-rules', budget)).body;
    await call('PATCH', `/api/alert-rules/${id}`, { name: 'cap' });
    await call('PATCH', `/api/alert-rules/${id}`, { channel_ids: [channel.body.id] });
    await call('PATCH', `/api/alert-rules/${id}`, { action: 'disable', password: user.password });
    await call('PATCH', `/api/alert-rules/${id}`, { thresholds: [0.9, 1], password: user.password });
    await call('PATCH', `/api/alert-rules/${id}`, { amount_usd: 20, password: 'wrong' });
    await call('PATCH', `/api/alert-rules/${id}`, { amount_usd: 20, password: user.password });
    await call('PATCH', `/api/alert-rules/${id}`, { action: 'none' });
    await call('DELETE', `/api/alert-rules/${id}`);
    await call('DELETE', `/api/alert-rules/${id}`);
    await call('POST', '/api/alert-rules', { ...budget, name: null, action: 'dry_run' });
    await call('POST', '/api/channels', { type: 'slack', name: 'ops', url: 'https://hooks.example.org/y', add_to_rules: true });
    await call('DELETE', `/api/channels/${channel.body.id}`);
    await call('DELETE', `/api/channels/${channel.body.id}`);
    const told = (await actions(world, user.token)).filter((line) => /^(rule|channel|password)/.test(line));
    expect(told.slice(0, -5)).toEqual([
      'channel_created team',
      'rule_created cap',
      'rule_changed cap',
      'rule_changed cap',
      'rule_armed cap',
      'rule_changed cap',
      'password_refused',
      'rule_changed cap',
      'rule_armed cap',
      'rule_changed cap',
      'rule_disarmed cap',
      'rule_deleted cap',
    ]);
    expect(told.slice(-5)).toEqual([
      expect.stringMatching(/^rule_created .*backend/),
      expect.stringMatching(/^rule_armed .*backend/),
      'channel_created ops',
      'rule_changed 1 rule, also sent to ops',
      'channel_deleted team',
    ]);
  });

  it('comes in pages, and is nobody else’s', async () => {
    const world = createWorld();
    const [user, other] = [await world.makeUser(), await world.makeUser()];
    for (let count = 0; count < 4; count++) await world.call('POST', '/api/tokens', { token: user.token, body: { name: `t${count}` } });
    const first = await log(world, user.token, '?limit=3');
    const second = await log(world, user.token, `?limit=3&cursor=${first.next_cursor}`);
    expect([...first.data, ...second.data].map(({ subject }) => subject)).toEqual(['t3', 't2', 't1', 't0']);
    expect(second.next_cursor).toBeNull();
    expect((await log(world, other.token)).data).toEqual([]);
    const page = await world.call('GET', '/account', { headers: { cookie: `__Host-session=${user.token}` } });
    expect(await page.text()).toContain('API token created: t3');
  });

  it('cannot be changed, nor shortened before its time', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const insert = (at: number) =>
      env.DB.prepare("INSERT INTO audit_event (user_id, at, action, request_id) VALUES (?, ?, 'signed_in', 'x')").bind(user.id, at).run();
    await insert(Date.now() - 364 * DAY_MS);
    await insert(Date.now() - 367 * DAY_MS);
    await expect(env.DB.prepare('UPDATE audit_event SET action = ? WHERE user_id = ?').bind('x', user.id).run()).rejects.toThrow(
      'append-only',
    );
    const remove = () => env.DB.prepare('DELETE FROM audit_event WHERE user_id = ?').bind(user.id).run();
    await expect(remove()).rejects.toThrow('kept for 365 days');
    // A Worker whose clock is ahead deletes no more for it.
    world.clock.now = Date.now() + 2 * DAY_MS;
    await onCron(world.deps, '0 3 * * SUN', world.clock.now);
    await expect(world.drain()).resolves.toBeUndefined();
    const count = () => env.DB.prepare('SELECT count(*) AS n FROM audit_event WHERE user_id = ?').bind(user.id).first<number>('n');
    expect(await count()).toBe(1);
    await env.DB.prepare('DELETE FROM user WHERE id = ?').bind(user.id).run();
    await remove();
    expect(await count()).toBe(0);
  });

  it('keeps of a deleted account only that there was one', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    await world.call('POST', '/api/tokens', { token: user.token, body: { name: 'robot' } });
    await world.call('DELETE', '/api/auth/me', { token: user.token, body: { password: user.password } });
    const { results } = await env.DB.prepare('SELECT action, subject, address, client FROM audit_event WHERE user_id = ?')
      .bind(user.id)
      .all();
    expect(results).toEqual([{ action: 'account_deleted', subject: null, address: null, client: null }]);
  });
});
