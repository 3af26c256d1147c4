import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/lib/sha256.ts';
import type { Fault } from '../support/openrouter/faults.ts';
import { createWorld, freshKeyText, type World } from '../support/world.ts';

interface Key {
  id: number;
  status: string;
  kind: string;
  label: string;
  last_error: string | null;
  usage_usd: number | null;
}

const add = (world: World, token: string, key: string, name = 'production') =>
  world.json<Key>('POST', '/api/keys', { token, body: { name, key } });
const look = async (world: World, token: string, id: number) => (await world.json<Key>('GET', `/api/keys/${id}`, { token })).body;
const spent = async (world: World, token: string) =>
  (await world.json<{ totals: { cost_usd: number | null } }>('GET', '/api/v1/stats', { token })).body.totals.cost_usd;

/** How often OpenRouter was asked about a key. Other tests' keys are read by the same crons. */
async function timesAsked(world: World, text: string): Promise<number> {
  const hash = await sha256Hex(text);
  return world.simulator.requests.filter(({ keyHash }) => keyHash === hash).length;
}

describe('adding a key', () => {
  it('asks OpenRouter, stores it sealed and shows everything but the key', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const text = freshKeyText();
    world.simulator.addKey(text, { limitNano: 20_000_000_000, limitReset: 'daily', expiresAt: '2027-01-01T00:00:00Z' });
    world.simulator.spend(text, { nano: 1_500_000_001, byokNano: 2 });
    const { status, body } = await add(world, user.token, text);
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(Number),
      name: 'production',
      kind: 'inference',
      hash: await sha256Hex(text),
      managed_by: null,
      workspace: null,
      is_disabled: null,
      is_expired: false,
      last_used_at: null,
      free_requests_limit: 50,
      free_requests_remaining: 50,
      free_requests_used: 0,
      vanished_at: null,
      backfill: null,
      label: `sk-or-v1-${text.slice(9, 12)}...${text.slice(-3)}`,
      status: 'active',
      is_active: true,
      usage_usd: 1.500000001,
      usage_daily_usd: 1.500000001,
      usage_weekly_usd: 1.500000001,
      usage_monthly_usd: 1.500000001,
      byok_usage_usd: 2e-9,
      byok_usage_daily_usd: 2e-9,
      byok_usage_weekly_usd: 2e-9,
      byok_usage_monthly_usd: 2e-9,
      limit_usd: 20,
      limit_remaining_usd: 18.499999999,
      limit_reset: 'daily',
      expires_at: '2027-01-01T00:00:00.000Z',
      balance_usd: null,
      last_synced_at: new Date(world.clock.now).toISOString(),
      last_validated_at: new Date(world.clock.now).toISOString(),
      last_error: null,
      created_at: new Date(world.clock.now).toISOString(),
    });
    expect((await world.json('GET', '/api/keys', { token: user.token })).body).toEqual([body]);
    expect(await look(world, user.token, body.id)).toEqual(body);
    expect(await spent(world, user.token)).toBe(1.500000001);
  });

  it('recognises a management key and samples it like any other', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const key = await world.makeKey(user.token, 'account', { isManagement: true });
    expect(await look(world, user.token, key.id)).toMatchObject({ kind: 'management', status: 'active' });
    world.simulator.spend(key.text, { nano: 5_000_000_000 });
    world.clock.now += 60_000;
    await world.sync();
    expect(await spent(world, user.token)).toBe(5);
  });

  it('that OpenRouter refuses is invalid input', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const refused = await world.json<{ errors: { path: string }[] }>('POST', '/api/keys', {
      token: user.token,
      body: { name: 'x', key: freshKeyText() },
    });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'key' }] } });
    expect((await world.json('GET', '/api/keys', { token: user.token })).body).toEqual([]);
  });

  it('that OpenRouter cannot be asked about is unverified until the next chance', async () => {
    const faults: Fault[] = [
      { kind: 'status', status: 503 },
      { kind: 'status', status: 403 },
      { kind: 'html', status: 200 },
      { kind: 'hang' },
      { kind: 'drop' },
      { kind: 'missing_field', field: 'usage' },
      { kind: 'redirect', location: 'https://evil.example/' },
      { kind: 'rate_limited', retryAfter: '30' },
    ];
    const world = createWorld();
    const user = await world.makeUser();
    for (const fault of faults) {
      const text = freshKeyText();
      world.simulator.addKey(text);
      world.simulator.spend(text, { nano: 7 });
      world.simulator.setFault(text, fault);
      const { status, body } = await add(world, user.token, text);
      expect([fault, status, body.status, body.usage_usd]).toEqual([fault, 201, 'unverified', null]);
      expect(body.last_error).toMatch(/^OpenRouter/);
      world.simulator.setFault(text, null);
      world.clock.now += 60_000;
      await world.sync();
      expect(await look(world, user.token, body.id)).toMatchObject({ status: 'active', usage_usd: 7e-9, last_error: null });
    }
  });

  it('twice is a conflict, and so is a text that another key had before', async () => {
    const world = createWorld();
    const [user, other] = [await world.makeUser(), await world.makeUser()];
    const key = await world.makeKey(user.token);
    expect((await add(world, user.token, key.text)).status).toBe(409);
    expect((await add(world, other.token, key.text)).status).toBe(201);
    const text = freshKeyText();
    world.simulator.addKey(text);
    expect((await world.json('PATCH', `/api/keys/${key.id}`, { token: user.token, body: { key: text } })).status).toBe(200);
    expect((await add(world, user.token, key.text)).status).toBe(409);
    expect((await world.json('PATCH', `/api/keys/${key.id}`, { token: user.token, body: { key: text } })).status).toBe(409);
  });

  it('stops at the limit, also when many are added at once', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const texts = Array.from({ length: 16 }, freshKeyText);
    for (const text of texts) world.simulator.addKey(text);
    const answers = await Promise.all(texts.map((text) => add(world, user.token, text)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    const refused = answers.filter(({ status }) => status === 400);
    expect(refused).toHaveLength(6);
    expect(refused[0]?.body).toMatchObject({ detail: 'Maximum 10 keys allowed' });
  });

  it('lets one of many simultaneous additions of one text win', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const text = freshKeyText();
    world.simulator.addKey(text);
    const statuses = await Promise.all(Array.from({ length: 5 }, async () => (await add(world, user.token, text)).status));
    expect(statuses.sort()).toEqual([201, 409, 409, 409, 409]);
  });
});

describe('changing a key', () => {
  it('renames, pauses and resumes', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const key = await world.makeKey(user.token);
    const patch = (body: object) => world.json<Key>('PATCH', `/api/keys/${key.id}`, { token: user.token, body });
    expect((await patch({ name: 'renamed', is_active: false })).body).toMatchObject({
      name: 'renamed',
      status: 'paused',
      is_active: false,
    });
    world.simulator.spend(key.text, { nano: 9 });
    world.clock.now += 60_000;
    const asked = await timesAsked(world, key.text);
    await world.sync();
    expect(await timesAsked(world, key.text)).toBe(asked);
    expect((await world.call('POST', `/api/keys/${key.id}/sync`, { token: user.token })).status).toBe(400);
    expect((await patch({ is_active: true })).body).toMatchObject({ status: 'active', is_active: true });
    expect((await patch({})).status).toBe(200);
    world.clock.now += 60_000;
    await world.sync();
    expect(await spent(world, user.token)).toBe(9e-9);
  });

  it('replaces the text: the history stays, counting starts anew', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const key = await world.makeKey(user.token);
    world.simulator.spend(key.text, { nano: 100 });
    world.clock.now += 60_000;
    await world.sync();
    const text = freshKeyText();
    world.simulator.addKey(text);
    world.simulator.spend(text, { nano: 1000 }, world.clock.now - 10 * 86_400_000);
    world.simulator.spend(text, { nano: 3 });
    const replaced = await world.json<Key>('PATCH', `/api/keys/${key.id}`, { token: user.token, body: { key: text } });
    expect(replaced.body).toMatchObject({
      status: 'active',
      usage_usd: 1.003e-6,
      label: `sk-or-v1-${text.slice(9, 12)}...${text.slice(-3)}`,
    });
    expect(await spent(world, user.token)).toBe(103e-9);
    world.simulator.spend(text, { nano: 7 });
    world.simulator.spend(key.text, { nano: 50 });
    world.clock.now += 60_000;
    await world.sync();
    expect(await spent(world, user.token)).toBe(110e-9);
  });

  it('refuses a text that OpenRouter refuses, and changes nothing', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const key = await world.makeKey(user.token);
    const before = await look(world, user.token, key.id);
    const refused = await world.json('PATCH', `/api/keys/${key.id}`, { token: user.token, body: { name: 'new', key: freshKeyText() } });
    expect(refused.status).toBe(422);
    expect(await look(world, user.token, key.id)).toEqual(before);
  });

  it('lets one of two simultaneous replacements win', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const key = await world.makeKey(user.token);
    const texts = [freshKeyText(), freshKeyText()];
    for (const text of texts) world.simulator.addKey(text);
    const statuses = await Promise.all(
      texts.map(async (text) => (await world.call('PATCH', `/api/keys/${key.id}`, { token: user.token, body: { key: text } })).status),
    );
    expect(statuses.sort()).toEqual([200, 409]);
  });
});

describe('deleting a key', () => {
  it('takes its secret and its history at once, and lets it be added anew', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const [key, kept] = [await world.makeKey(user.token), await world.makeKey(user.token)];
    for (const { text } of [key, kept]) world.simulator.spend(text, { nano: 11 });
    world.clock.now += 60_000;
    await world.sync();
    expect(await spent(world, user.token)).toBe(22e-9);
    expect((await world.call('DELETE', `/api/keys/${key.id}`, { token: user.token })).status).toBe(204);
    expect((await world.call('DELETE', `/api/keys/${key.id}`, { token: user.token })).status).toBe(404);
    expect(await spent(world, user.token)).toBe(11e-9);
    const rows = await env.DB.prepare(
      'SELECT count(*) AS n FROM key_day WHERE upstream_key_id IN (SELECT id FROM upstream_key WHERE api_key_id = ?)',
    )
      .bind(key.id)
      .first<{ n: number }>();
    expect(rows?.n).toBe(0);
    expect((await add(world, user.token, key.text)).status).toBe(201);
  });

  it('while it is being read leaves nothing behind', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const key = await world.makeKey(user.token);
    world.simulator.spend(key.text, { nano: 11 });
    world.clock.now += 60_000;
    const answer = world.deps.openrouter.getKey;
    world.deps.openrouter.getKey = async (text) => {
      await world.call('DELETE', `/api/keys/${key.id}`, { token: user.token });
      return answer(text);
    };
    await world.sync();
    const rows = await env.DB.prepare(
      'SELECT count(*) AS n FROM key_day WHERE upstream_key_id IN (SELECT id FROM upstream_key WHERE api_key_id = ?)',
    )
      .bind(key.id)
      .first<{ n: number }>();
    expect(rows?.n).toBe(0);
  });
});

describe('reading a key now', () => {
  it('happens within seconds, once a minute', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const key = await world.makeKey(user.token);
    world.simulator.spend(key.text, { nano: 4 });
    world.clock.now += 1000;
    const ask = () => world.json('POST', `/api/keys/${key.id}/sync`, { token: user.token });
    const askedAt = world.clock.now;
    expect(await ask()).toMatchObject({ status: 202, body: { status: 'queued' } });
    expect(world.queue).toEqual([{ job: 'manual', slot: expect.any(String), part: key.id, keyIds: [key.id] }]);
    await world.drain();
    expect(await spent(world, user.token)).toBe(4e-9);
    world.clock.now = askedAt + 20_000;
    const early = await ask();
    expect([early.status, early.headers.get('retry-after')]).toEqual([429, '40']);
    world.clock.now += 40_000;
    expect((await ask()).status).toBe(202);
  });

  it('of many simultaneous requests reads once', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const key = await world.makeKey(user.token);
    const statuses = await Promise.all(
      Array.from({ length: 6 }, async () => (await world.call('POST', `/api/keys/${key.id}/sync`, { token: user.token })).status),
    );
    expect(statuses.filter((status) => status === 202)).toHaveLength(1);
  });

  it('waits as long as OpenRouter asked', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const text = freshKeyText();
    world.simulator.addKey(text);
    world.simulator.setFault(text, { kind: 'rate_limited', retryAfter: '300' });
    const { body } = await add(world, user.token, text);
    const refused = await world.call('POST', `/api/keys/${body.id}/sync`, { token: user.token });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '300']);
  });
});
