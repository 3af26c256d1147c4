import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Keyring } from '../../src/crypto/cipher.ts';
import { HOUR_MS } from '../../src/lib/day.ts';
import { rewrapStep } from '../../src/rewrap/actions.ts';
import { interruptDb } from '../support/spied-db.ts';
import { createWorld, freshKeyText, type World } from '../support/world.ts';

const keyOf = (kid: string): Keyring[number] => ({ kid, secret: crypto.getRandomValues(new Uint8Array(32)) });
const [OLD, NEW] = [keyOf('old'), keyOf('new')];

const ciphertexts = async (table: string) =>
  (
    await env.DB.prepare(`SELECT id, ciphertext FROM ${table} WHERE ciphertext IS NOT NULL ORDER BY id`).all<{
      id: number;
      ciphertext: string;
    }>()
  ).results;

const kidsIn = async (table: string) => new Set((await ciphertexts(table)).map(({ ciphertext }) => ciphertext.split('.')[1]));

async function clear(): Promise<void> {
  await env.DB.batch(['api_key', 'channel', 'job_run'].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
}

/** A world whose secrets are encrypted with the old key: some keys of two users, and a channel. */
async function createOldWorld(db?: D1Database) {
  await clear();
  const world = createWorld({ config: { keyring: [OLD], maxKeysPerUser: 20 }, ...(db && { db }) });
  const users = [await world.makeUser(), await world.makeUser()];
  const keys = [];
  for (const user of users) for (let count = 0; count < 12; count++) keys.push({ user, ...(await world.makeKey(user.token)) });
  const [user] = users as [(typeof users)[0]];
  const hook = { type: 'webhook', name: 'hook', url: 'https://hooks.example.org/secret-path' };
  const channel = await world.json<{ id: number }>('POST', '/api/channels', { token: user.token, body: hook });
  return { world, user, keys, channelId: channel.body.id };
}

const useKeyring = (world: World, keyring: Keyring): void => {
  world.deps.config = { ...world.deps.config, keyring };
};

const keysInUse = async (world: World, token: string) =>
  (await world.json<{ encryption_keys: object }>('GET', '/health', { token })).body.encryption_keys;

describe('another encryption key', () => {
  it('encrypts everything anew at the next rings, while syncs run, and then the old one can go', async () => {
    const { world, user, keys, channelId } = await createOldWorld();
    useKeyring(world, [NEW, OLD]);
    expect(await keysInUse(world, user.token)).toEqual({ current: 'new', in_use: ['old'] });
    const spend = (nano: number) => {
      for (const { text } of keys) world.simulator.spend(text, { nano }, world.clock.now + 1000);
      world.clock.now += HOUR_MS;
    };
    spend(5);
    let step: Parameters<typeof rewrapStep>[1] | null = { table: 'api_key', afterId: 0 };
    for (let steps = 0; step; steps++) {
      expect(steps).toBeLessThan(10);
      step = (await Promise.all([rewrapStep(world.deps, step, 7), rewrapStep(world.deps, step, 7), world.sync()]))[0];
    }
    expect(await kidsIn('api_key')).toEqual(new Set(['new']));
    spend(7);
    await world.sync();
    expect(await kidsIn('channel')).toEqual(new Set(['new']));
    expect(await keysInUse(world, user.token)).toEqual({ current: 'new', in_use: ['new'] });

    useKeyring(world, [NEW]);
    spend(11);
    await world.sync();
    const { body } = await world.json<{ totals: { cost_usd: number } }>('GET', '/api/v1/stats', { token: user.token });
    expect(Math.round(body.totals.cost_usd * 1e9)).toBe(12 * (5 + 7 + 11));
    await world.call('POST', `/api/channels/${channelId}/test`, { token: user.token });
    await world.drain();
    expect(world.received.map(({ url }) => url)).toEqual(['https://hooks.example.org/secret-path']);
  });

  it('does not bring back a text that was replaced meanwhile', async () => {
    let replace = async (): Promise<unknown> => null;
    const { world, user, keys } = await createOldWorld(interruptDb('FROM api_key WHERE kid IN', () => replace()));
    const [key] = keys as [(typeof keys)[0]];
    useKeyring(world, [NEW, OLD]);
    const next = freshKeyText();
    world.simulator.addKey(next);
    replace = () => world.call('PATCH', `/api/keys/${key.id}`, { token: user.token, body: { key: next } });
    await rewrapStep(world.deps, { table: 'api_key', afterId: 0 });
    expect(await kidsIn('api_key')).toEqual(new Set(['new']));
    world.simulator.spend(next, { nano: 3 }, world.clock.now + 1000);
    world.clock.now += HOUR_MS;
    await world.sync();
    const { body } = await world.json<{ status: string; usage_usd: number }>('GET', `/api/keys/${key.id}`, { token: user.token });
    expect(body).toMatchObject({ status: 'active', usage_usd: 3e-9 });
  });

  it('leaves alone what does not open, and writes nothing where nothing is left to do', async () => {
    const { world, keys } = await createOldWorld();
    useKeyring(world, [NEW, OLD]);
    const [first, second] = keys as [(typeof keys)[0], (typeof keys)[0]];
    const moved = await env.DB.prepare('SELECT ciphertext FROM api_key WHERE id = ?').bind(second.id).first<string>('ciphertext');
    await env.DB.prepare('UPDATE api_key SET ciphertext = ? WHERE id = ?').bind(moved, first.id).run();
    const logged = console.error;
    const lines: unknown[] = [];
    console.error = (line: unknown) => void lines.push(line);
    try {
      expect(await rewrapStep(world.deps, { table: 'api_key', afterId: 0 })).toBeNull();
    } finally {
      console.error = logged;
    }
    expect(String(lines[0])).toContain('"count":1');
    const after = await ciphertexts('api_key');
    expect(after.filter(({ ciphertext }) => ciphertext.startsWith('v1.old.')).map(({ id }) => id)).toEqual([first.id]);
    expect(new Set(after.map(({ ciphertext }) => ciphertext)).size).toBe(keys.length);
    await env.DB.prepare('DELETE FROM api_key WHERE id = ?').bind(first.id).run();
    const before = await ciphertexts('api_key');
    await rewrapStep(world.deps, { table: 'api_key', afterId: 0 });
    expect(await ciphertexts('api_key')).toEqual(before);
  });
});
