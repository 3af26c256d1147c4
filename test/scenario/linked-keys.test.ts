import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/lib/day.ts';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { addManagement, makeAccount, spendAtRandom, startOfToday } from '../support/account.ts';
import { takeLoggedErrors } from '../support/no-console-error.ts';
import { createRandom } from '../support/random.ts';
import { tapDb } from '../support/spied-db.ts';
import { createWorld, freshKeyText } from '../support/world.ts';

interface Key {
  id: number;
  name: string;
  kind: string;
  status: string;
  hash: string;
  managed_by: number | null;
  usage_usd: number | null;
}

/** An account of three keys with twenty days of history, and a user who has none of them yet. */
async function setUp(db = env.DB) {
  const world = createWorld({ config: { maxKeysPerUser: 3 }, db });
  const account = makeAccount(world.simulator, world.clock.now, 3, 20);
  const random = createRandom(3);
  spendAtRandom(world.simulator, account, startOfToday(world.clock.now) - 19 * DAY_MS, world.clock.now, random, 0.2);
  const user = await world.makeUser();
  const [first] = account.keys as [string];
  const post = (text: string, name = 'mine') => world.json<Key>('POST', '/api/keys', { token: user.token, body: { name, key: text } });
  const patch = (id: number, body: object) => world.json<Key>('PATCH', `/api/keys/${id}`, { token: user.token, body });
  const remove = (id: number) => world.call('DELETE', `/api/keys/${id}`, { token: user.token });
  const list = async () => (await world.json<Key[]>('GET', '/api/keys', { token: user.token })).body;
  const find = async (text: string) => {
    const hash = await sha256Hex(text);
    return (await list()).find((key) => key.hash === hash);
  };
  const hours = async (count: number) => {
    for (let hour = 0; hour < count; hour++) {
      world.clock.now += HOUR_MS;
      await world.sync();
    }
  };
  /** Totals in nano-dollars, of a key or of everything. */
  const total = async (keyId?: number) => {
    const query = keyId === undefined ? '' : `&key_id=${keyId}`;
    const path = `/api/v1/stats?from=2026-10-01&to=2026-12-31${query}`;
    const { body } = await world.json<{ totals: { cost_usd: number } }>('GET', path, { token: user.token });
    return Math.round(body.totals.cost_usd * 1e9);
  };
  const spent = (text: string) => world.simulator.spentBetween(text, 0, world.clock.now + 1).nano;
  const add = () => addManagement(world, user.token, account.management);
  return { world, account, user, first, post, patch, remove, list, find, hours, total, spent, add };
}

describe('a key that the user added and that belongs to an account', () => {
  it('is linked, counted once, and stays with its history when the management key goes', async () => {
    const { world, first, post, remove, list, hours, total, spent, add } = await setUp();
    const { body: own } = await post(first);
    world.simulator.spend(first, { nano: 11 });
    await hours(1);
    const management = await add();
    expect((await list()).filter(({ kind }) => kind === 'discovered')).toHaveLength(2);
    expect((await list()).find(({ id }) => id === own.id)).toMatchObject({ kind: 'inference', name: 'mine', managed_by: management });
    world.simulator.spend(first, { nano: 13 });
    await hours(2);
    expect(await total(own.id)).toBe(spent(first));
    const everything = await total();
    expect((await remove(management)).status).toBe(204);
    expect((await list()).map(({ id, managed_by }) => [id, managed_by])).toEqual([[own.id, null]]);
    expect(await total()).toBe(spent(first));
    expect(everything).toBeGreaterThan(spent(first));
    world.simulator.spend(first, { nano: 17 }, world.clock.now + DAY_MS);
    await hours(26);
    expect(await total()).toBe(spent(first));
  });

  it('is told apart as disabled or deleted by its account alone', async () => {
    const { world, first, post, find, hours, add } = await setUp();
    await post(first);
    await add();
    world.simulator.changeKey(first, { isDisabled: true });
    await hours(3);
    expect(await find(first)).toMatchObject({ status: 'invalid', last_error: 'The key is disabled at OpenRouter.' });
    world.simulator.removeKey(first);
    await hours(1);
    expect(await find(first)).toMatchObject({ status: 'invalid', last_error: expect.stringContaining('deleted') });
  });

  it('is the discovered one with its text, when that is added later', async () => {
    const { world, account, first, post, list, find, hours, total, spent, add } = await setUp();
    await add();
    const discovered = await find(first);
    const { status, body } = await post(first, 'now mine');
    expect([status, body.id, body.kind, body.name, body.status]).toEqual([201, discovered?.id, 'inference', 'now mine', 'active']);
    expect((await post(first)).status).toBe(409);
    world.simulator.spend(first, { nano: 5 });
    await hours(2);
    expect(await total(body.id)).toBe(spent(first));
    expect(await list()).toHaveLength(4);
    expect((await post(account.keys[1] as string)).status).toBe(201);
    expect((await post(account.keys[2] as string)).status).toBe(400);
  });

  it('is discovered once more when its user deletes it, and goes with the management key then', async () => {
    const { user, first, post, remove, list, find, hours, total, spent, add } = await setUp();
    const { body: own } = await post(first);
    const management = await add();
    await remove(own.id);
    await hours(1);
    const again = await find(first);
    expect(again).toMatchObject({ kind: 'discovered', status: 'active' });
    expect(again?.id).not.toBe(own.id);
    expect(await total(again?.id)).toBe(spent(first));
    await remove(management);
    expect(await list()).toEqual([]);
    const left = await env.DB.prepare(
      'SELECT (SELECT count(*) FROM usage_day WHERE user_id = ?1) + (SELECT count(*) FROM key_day WHERE user_id = ?1) AS count',
    )
      .bind(user.id)
      .first();
    expect(left).toEqual({ count: 0 });
  });
});

describe('a discovered key', () => {
  it('cannot be deleted, takes no other text, does not count for the limit, and can be paused', async () => {
    const { world, account, user, first, patch, remove, find, hours, total, spent, add } = await setUp();
    await add();
    const id = (await find(first))?.id ?? 0;
    expect((await remove(id)).status).toBe(400);
    expect((await patch(id, { key: account.keys[1] })).status).toBe(400);
    expect((await patch(id, { is_active: false })).body.status).toBe('paused');
    const before = await total(id);
    world.simulator.spend(first, { nano: 1_000 });
    await hours(2);
    expect(await total(id)).toBe(before);
    await patch(id, { is_active: true });
    await hours(1);
    expect(await total(id)).toBe(spent(first));
    world.clock.now += 1000;
    expect((await world.call('POST', `/api/keys/${id}/sync`, { token: user.token })).status).toBe(202);
    expect((await world.call('POST', `/api/keys/${id}/sync`, { token: user.token })).status).toBe(429);
    world.simulator.spend(first, { nano: 2_000 });
    await world.drain();
    expect(await total(id)).toBe(spent(first));
    expect((await patch(id, { key: first })).body).toMatchObject({ id, kind: 'inference', status: 'active' });
  });
});

describe('a replaced key', () => {
  it('keeps its old text linked: both are its spend, and neither is discovered anew', async () => {
    const { world, first, post, patch, list, hours, total, spent, add } = await setUp();
    const { body: own } = await post(first);
    const next = freshKeyText();
    world.simulator.addKey(next, { name: 'rotated' });
    await patch(own.id, { key: next });
    await add();
    world.simulator.spend(first, { nano: 100 });
    world.simulator.spend(next, { nano: 10 });
    await hours(3);
    expect((await list()).filter(({ kind }) => kind === 'discovered')).toHaveLength(2);
    expect(await total(own.id)).toBe(spent(first) + spent(next));
  });

  it('absorbs it with its days, or not at all', async () => {
    const state = { isDown: false };
    const db = tapDb((text) => {
      if (state.isDown && text.includes('UPDATE api_key SET hash')) throw new Error('D1_ERROR: Network connection lost.');
    });
    const set = await setUp(db);
    await addManagement(set.world, set.user.token, set.account.management);
    const [first, second] = set.account.keys as [string, string];
    const { body: mine } = await set.post(first);
    state.isDown = true;
    expect((await set.patch(mine.id, { key: second })).status).toBe(503);
    expect(takeLoggedErrors()).toHaveLength(1);
    expect([(await set.find(first))?.kind, (await set.find(second))?.kind]).toEqual(['inference', 'discovered']);
    state.isDown = false;
    expect((await set.patch(mine.id, { key: second })).status).toBe(200);
    expect(await set.find(second)).toMatchObject({ id: mine.id, kind: 'inference' });
  });

  it('absorbs the discovered key whose text it gets, with everything that it spent', async () => {
    const { world, first, post, patch, list, find, hours, total, spent, add } = await setUp();
    const { body: own } = await post(first);
    await add();
    const next = freshKeyText();
    world.simulator.addKey(next, { name: 'rotated' });
    world.simulator.spend(next, { nano: 10 });
    await hours(1);
    world.simulator.spend(next, { nano: 20 });
    await hours(1);
    expect(await find(next)).toMatchObject({ kind: 'discovered' });
    const everything = await total();
    expect((await patch(own.id, { key: next })).body).toMatchObject({ id: own.id, kind: 'inference', status: 'active' });
    expect(await total()).toBe(everything);
    world.simulator.spend(first, { nano: 100 });
    world.simulator.spend(next, { nano: 40 });
    await hours(26);
    expect(await total(own.id)).toBe(spent(first) + spent(next));
    expect((await list()).filter(({ kind }) => kind === 'discovered')).toHaveLength(2);
    const { results } = await env.DB.prepare(
      'SELECT sum(c.counted_nano) AS cost FROM key_day AS c JOIN upstream_key AS u ON u.id = c.upstream_key_id WHERE u.api_key_id = ?',
    )
      .bind(own.id)
      .all<{ cost: number }>();
    // The counters of the old text end with its replacement; its 100 are in analytics alone. What the new one spent is in both.
    const atFirst = world.simulator.spentBetween(first, startOfToday(world.clock.now - DAY_MS), startOfToday(world.clock.now)).nano - 100;
    expect(results).toEqual([{ cost: atFirst + 70 }]);
  });

  it('leaves nothing untold where its old text spent what analytics forgot, on a day on which its new one spent too', async () => {
    const { world, post, patch, find, hours, total, spent, add } = await setUp();
    await add();
    const [old, next] = [freshKeyText(), freshKeyText()];
    for (const text of [old, next]) world.simulator.addKey(text, { name: 'rotated' });
    const { body: own } = await post(old, 'forgotten');
    world.simulator.analytics.lagMs = 3 * HOUR_MS;
    world.simulator.spend(old, { nano: 7_000 });
    world.simulator.spend(next, { nano: 50_000 });
    await hours(1);
    // It goes before analytics tell what it spent; the counters know of a part of that.
    world.simulator.spend(old, { nano: 900 });
    world.simulator.removeKey(old);
    const all = [...world.simulator.allSpends()].flatMap(([, spends]) => spends.map(({ nano }) => nano));
    const everything = all.reduce((sum, nano) => sum + nano, 0);
    await hours(30);
    expect([await total(), (await find(next))?.kind]).toEqual([everything, 'discovered']);
    expect((await patch(own.id, { key: next })).status).toBe(200);
    await hours(2);
    // What its counters told of the old text stays its own; the rest of that is what the account spent without a key.
    expect([await total(), await total(own.id)]).toEqual([everything, 7_000 + spent(next)]);
  });
});
