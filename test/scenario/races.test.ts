/** What happens when readings, changes and failures of one key cross each other. Each was a bug once, or could be one. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { findKey } from '../../src/inventory/store.ts';
import { cleanupMessage } from '../../src/jobs/cleanup.ts';
import { deliver, onCron } from '../../src/jobs/index.ts';
import type { JobMessage } from '../../src/jobs/model.ts';
import { claimPart, releasePart } from '../../src/jobs/store.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/lib/day.ts';
import { applyReadings, readKeys } from '../../src/sync/keys.ts';
import { takeLoggedErrors } from '../support/no-console-error.ts';
import { interruptDb, tapDb } from '../support/spied-db.ts';
import { createWorld, freshKeyText, type World } from '../support/world.ts';

beforeEach(async () => {
  await env.DB.batch(['api_key', 'upstream_key', 'job_run', 'key_day'].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
});

async function spent(world: World, token: string): Promise<number | null> {
  const { body } = await world.json<{ totals: { cost_usd: number | null } }>('GET', '/api/v1/stats', { token });
  return body.totals.cost_usd;
}

const keyOf = async (world: World, userId: number, id: number) => {
  const key = await findKey(world.deps.db, userId, id);
  if (!key) throw new Error('no such key');
  return key;
};

describe('two readings of a key', () => {
  it('applied in the wrong order count once', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const made = await world.makeKey(user.token);
    const key = await keyOf(world, user.id, made.id);
    world.clock.now += MINUTE_MS;
    world.simulator.spend(made.text, { nano: 10 });
    const early = await readKeys(world.deps, [key]);
    world.clock.now += MINUTE_MS;
    world.simulator.spend(made.text, { nano: 100 });
    const late = await readKeys(world.deps, [key]);
    expect([...(await applyReadings(world.deps, late, 'late'))]).toEqual([made.id]);
    expect([...(await applyReadings(world.deps, early, 'early'))]).toEqual([]);
    expect([...(await applyReadings(world.deps, late, 'late'))]).toEqual([]);
    world.clock.now += HOUR_MS;
    await world.sync();
    expect(await spent(world, user.token)).toBe(110e-9);
  });

  it('by a clock that lags behind the last one lose nothing', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const made = await world.makeKey(user.token);
    world.simulator.spend(made.text, { nano: 7000 });
    world.clock.now -= 5;
    const readings = await readKeys(world.deps, [await keyOf(world, user.id, made.id)]);
    expect([...(await applyReadings(world.deps, readings, 'skewed'))]).toEqual([]);
    world.clock.now += HOUR_MS;
    world.simulator.spend(made.text, { nano: 100 });
    await world.sync();
    expect(await spent(world, user.token)).toBe(7100e-9);
  });

  it('of which one is that of a secret just replaced count for that one, and leave the new one alone, also before its first sample', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const texts = [freshKeyText(), freshKeyText()] as [string, string];
    for (const text of texts) {
      world.simulator.addKey(text);
      world.simulator.spend(text, { nano: 49 });
      world.simulator.setFault(text, { kind: 'status', status: 503 });
    }
    const { body } = await world.json<{ id: number }>('POST', '/api/keys', { token: user.token, body: { name: 'x', key: texts[0] } });
    world.simulator.setFault(texts[0], null);
    const readings = await readKeys(world.deps, [await keyOf(world, user.id, body.id)]);
    world.simulator.setFault(texts[0], { kind: 'status', status: 503 });
    expect((await world.call('PATCH', `/api/keys/${body.id}`, { token: user.token, body: { key: texts[1] } })).status).toBe(200);
    expect([...(await applyReadings(world.deps, readings, 'old'))]).toEqual([body.id]);
    expect(await keyOf(world, user.id, body.id)).toMatchObject({ usageNano: null, health: 'unverified' });
    expect(await spent(world, user.token)).toBe(49e-9);
  });
});

describe('adding a key', () => {
  it('that is read before its first sample is stored counts once', async () => {
    const text = freshKeyText();
    const world: World = createWorld({
      db: interruptDb('INSERT INTO api_key (', async () => {
        world.clock.now += 5000;
        world.simulator.spend(text, { nano: 7 });
        await world.sync();
      }),
    });
    const user = await world.makeUser();
    world.simulator.addKey(text);
    world.simulator.spend(text, { nano: 1 });
    expect((await world.call('POST', '/api/keys', { token: user.token, body: { name: 'x', key: text } })).status).toBe(201);
    world.clock.now += HOUR_MS;
    await world.sync();
    expect(await spent(world, user.token)).toBe(8e-9);
  });

  it('whose text another key gets meanwhile is refused', async () => {
    const [a, b] = [freshKeyText(), freshKeyText()];
    const world: World = createWorld();
    const user = await world.makeUser();
    for (const text of [a, b]) world.simulator.addKey(text);
    world.simulator.spend(a, { nano: 5 });
    const other = await world.makeKey(user.token);
    const ask = world.deps.openrouter.getKey;
    let isFirst = true;
    world.deps.openrouter.getKey = async (text) => {
      if (isFirst) {
        isFirst = false;
        for (const key of [a, b]) await world.call('PATCH', `/api/keys/${other.id}`, { token: user.token, body: { key } });
      }
      return ask(text);
    };
    expect((await world.call('POST', '/api/keys', { token: user.token, body: { name: 'x', key: a } })).status).toBe(409);
    expect(await spent(world, user.token)).toBe(5e-9);
  });
});

describe('replacing a text', () => {
  it('while it is replaced again keeps each text’s counters to itself', async () => {
    const [y, z] = [freshKeyText(), freshKeyText()];
    const ids = { key: 0, token: '' };
    const world: World = createWorld({
      db: interruptDb('UPDATE api_key SET hash', () => world.call('PATCH', `/api/keys/${ids.key}`, { token: ids.token, body: { key: z } })),
    });
    const user = await world.makeUser();
    for (const text of [y, z]) world.simulator.addKey(text);
    world.simulator.spend(y, { nano: 49 }, world.clock.now - 3 * DAY_MS);
    world.simulator.spend(z, { nano: 100 }, world.clock.now - 3 * DAY_MS);
    ids.key = (await world.makeKey(user.token)).id;
    ids.token = user.token;
    expect((await world.call('PATCH', `/api/keys/${ids.key}`, { token: user.token, body: { key: y } })).status).toBe(200);
    world.clock.now += HOUR_MS;
    await world.sync();
    expect((await keyOf(world, user.id, ids.key)).usageNano).toBe(100);
    expect(await spent(world, user.token)).toBe(0);
  });

  it('and taking it back goes on where the text stood', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const made = await world.makeKey(user.token);
    const wrong = freshKeyText();
    world.simulator.addKey(wrong);
    world.simulator.spend(made.text, { nano: 10 });
    world.clock.now += MINUTE_MS;
    await world.sync();
    const replace = (key: string) => world.call('PATCH', `/api/keys/${made.id}`, { token: user.token, body: { key } });
    expect((await replace(wrong)).status).toBe(200);
    world.simulator.spend(made.text, { nano: 4 });
    world.simulator.spend(wrong, { nano: 1 });
    world.clock.now += MINUTE_MS;
    await world.sync();
    expect((await replace(made.text)).status).toBe(200);
    expect(await spent(world, user.token)).toBe(15e-9);
    expect((await replace(wrong)).status).toBe(200);
    expect(await spent(world, user.token)).toBe(15e-9);
    expect((await world.call('POST', '/api/keys', { token: user.token, body: { name: 'x', key: made.text } })).status).toBe(409);
  });

  it('and taking it back while a reading is applied keeps what the other text spent', async () => {
    const b = freshKeyText();
    const ids = { key: 0, token: '', isArmed: false };
    let a = '';
    const interrupt = async () => {
      const replace = (key: string) => world.call('PATCH', `/api/keys/${ids.key}`, { token: ids.token, body: { key } });
      world.simulator.setFault(a, { kind: 'status', status: 503 });
      expect((await replace(b)).status).toBe(200);
      expect((await replace(a)).status).toBe(200);
      world.simulator.setFault(a, null);
    };
    const world: World = createWorld({ db: interruptDb('AS j CROSS JOIN key_day AS d', interrupt) });
    const user = await world.makeUser();
    const made = await world.makeKey(user.token);
    a = made.text;
    Object.assign(ids, { key: made.id, token: user.token });
    world.simulator.addKey(b);
    world.simulator.spend(b, { nano: 50 });
    world.simulator.spend(a, { nano: 10 });
    world.clock.now += HOUR_MS;
    await world.sync();
    world.clock.now += HOUR_MS;
    await world.sync();
    expect(await spent(world, user.token)).toBe(60e-9);
  });

  it('that a sync of the old one overtakes does not move back what is known', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const made = await world.makeKey(user.token);
    const text = freshKeyText();
    world.simulator.addKey(text);
    const ask = world.deps.openrouter.getKey;
    world.deps.openrouter.getKey = async (asked) => {
      const answer = await ask(asked);
      if (asked === text) {
        readAt = world.clock.now += 30_000;
        await world.sync();
      }
      return answer;
    };
    world.clock.now += HOUR_MS;
    let readAt = 0;
    expect((await world.call('PATCH', `/api/keys/${made.id}`, { token: user.token, body: { key: text } })).status).toBe(200);
    const { body } = await world.json<{ as_of: string }>('GET', '/api/v1/stats', { token: user.token });
    expect(Date.parse(body.as_of)).toBe(readAt);
  });

  it('that OpenRouter cannot be asked about forgets nothing that was known', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const made = await world.makeKey(user.token);
    world.clock.now += 2 * DAY_MS;
    await world.sync();
    const days = async () =>
      (await world.json<{ by_day: { cost_usd: number | null }[]; as_of: string }>('GET', '/api/v1/stats', { token: user.token })).body;
    const before = await days();
    const text = freshKeyText();
    world.simulator.addKey(text);
    for (const silent of [text, made.text]) world.simulator.setFault(silent, { kind: 'hang' });
    world.clock.now += MINUTE_MS;
    expect((await world.call('PATCH', `/api/keys/${made.id}`, { token: user.token, body: { key: text } })).status).toBe(200);
    const after = await days();
    expect([after.by_day, after.as_of]).toEqual([before.by_day, before.as_of]);
  });
});

describe('failures', () => {
  it('that are older than a second refusal do not revive the key', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const made = await world.makeKey(user.token);
    world.simulator.setFault(made.text, { kind: 'status', status: 401 });
    world.clock.now += HOUR_MS;
    await world.sync();
    const key = await keyOf(world, user.id, made.id);
    world.simulator.setFault(made.text, { kind: 'status', status: 503 });
    const stale = await readKeys(world.deps, [key]);
    world.simulator.setFault(made.text, { kind: 'status', status: 401 });
    await applyReadings(world.deps, await readKeys(world.deps, [key]), 'another run');
    expect((await keyOf(world, user.id, made.id)).health).toBe('invalid');
    expect([...(await applyReadings(world.deps, stale, 'a third run'))]).toEqual([]);
    expect((await keyOf(world, user.id, made.id)).health).toBe('invalid');
  });

  it('of every key are no success of the job', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const made = await world.makeKey(user.token);
    world.simulator.setFault(made.text, { kind: 'status', status: 503 });
    world.clock.now += HOUR_MS;
    await world.sync();
    const sync = async () =>
      (
        await world.json<{ jobs: { sync: { never_ran: boolean; last_run: { errors: string[] } } } }>('GET', '/health', {
          token: user.token,
        })
      ).body.jobs.sync;
    expect(await sync()).toMatchObject({ never_ran: true, last_run: { errors: ['No key could be read (unavailable).'] } });
    world.simulator.setFault(made.text, null);
    world.clock.now += HOUR_MS;
    await world.sync();
    expect(await sync()).toMatchObject({ never_ran: false, last_run: { errors: [] } });
  });

  it('of a part do not hide other keys that become due in the same slot', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const keys = [await world.makeKey(user.token), await world.makeKey(user.token)];
    const [first, second] = keys as [(typeof keys)[0], (typeof keys)[0]];
    const slot = world.clock.now + HOUR_MS;
    world.clock.now = slot;
    await env.DB.prepare('UPDATE api_key SET retry_after = ? WHERE id = ?')
      .bind(slot + MINUTE_MS, second.id)
      .run();
    world.simulator.setFault(first.text, { kind: 'status', status: 503 });
    await onCron(world.deps, '3 * * * *', slot);
    await world.drain();
    world.clock.now = slot + 20 * MINUTE_MS;
    world.simulator.spend(second.text, { nano: 3 });
    await onCron(world.deps, '3 * * * *', slot);
    await world.drain();
    expect((await keyOf(world, user.id, second.id)).lastSampleAt).toBe(slot + 20 * MINUTE_MS);
  });
});

describe('health', () => {
  const syncState = async (world: World) =>
    (await world.json<{ jobs: { sync: Record<string, unknown> } }>('GET', '/health')).body.jobs.sync;

  it('does not take a ring for a success that had to leave every key for later', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const made = await world.makeKey(user.token);
    world.clock.now += HOUR_MS;
    await world.sync();
    const { last_success_at } = await syncState(world);
    await env.DB.prepare('UPDATE api_key SET retry_after = ? WHERE id = ?')
      .bind(world.clock.now + DAY_MS, made.id)
      .run();
    for (let hour = 0; hour < 5; hour++) {
      world.clock.now += HOUR_MS;
      await world.sync();
    }
    expect(await syncState(world)).toEqual({ last_success_at, is_overdue: true, never_ran: false });
  });

  it('remembers the last success longer than anything else', async () => {
    const world = createWorld();
    await world.sync();
    const { last_success_at } = await syncState(world);
    world.clock.now += 60 * DAY_MS;
    await onCron(world.deps, '0 3 * * SUN', world.clock.now);
    await world.drain();
    expect(await syncState(world)).toEqual({ last_success_at, is_overdue: true, never_ran: false });
  });

  it('takes a cleanup for a success only when its last part is done', async () => {
    const world = createWorld();
    await onCron(world.deps, '0 3 * * SUN', world.clock.now);
    const cleanup = async () => (await world.json<{ jobs: { cleanup: { never_ran: boolean } } }>('GET', '/health')).body.jobs.cleanup;
    await env.DB.prepare('INSERT INTO session (user_id, created_at, expires_at) SELECT 1, 1, 1 FROM json_each(?)')
      .bind(JSON.stringify(Array(30).fill(0)))
      .run();
    const [message] = world.queue.splice(0).filter(({ job }) => job === 'cleanup');
    if (message?.job !== 'cleanup') throw new Error('no cleanup message');
    await cleanupMessage(world.deps, message, 10);
    expect(await cleanup()).toMatchObject({ never_ran: true });
    await world.drain();
    expect(await cleanup()).toMatchObject({ never_ran: false });
  });

  it('is not changed by somebody whose lease is over', async () => {
    const { deps, clock } = createWorld();
    const part = { job: 'sync', slot: new Date(clock.now).toISOString(), part: 9 };
    const first = await claimPart(deps.db, part, clock.now, 1000);
    const second = await claimPart(deps.db, part, clock.now + 1000, 1000);
    if (first.kind !== 'claimed' || second.kind !== 'claimed') throw new Error('the lease was not given');
    await releasePart(deps.db, part, second.leaseUntil, clock.now + 1500, { read: 20 }, true);
    await releasePart(deps.db, part, first.leaseUntil, clock.now + 1600, { unavailable: 20 }, false);
    const row = await env.DB.prepare('SELECT counts, error, finished_at FROM job_run WHERE part = 9').first();
    expect(row).toEqual({ counts: '{"read":20}', error: null, finished_at: clock.now + 1500 });
  });
});

describe('a long gap', () => {
  it('of many keys stays below D1’s limits', async () => {
    let largest = 0;
    const world = createWorld({ config: { maxKeysPerUser: 20 } });
    const user = await world.makeUser();
    const keys = [];
    for (let made = 0; made < 20; made++) keys.push(await world.makeKey(user.token));
    world.clock.now += 800 * DAY_MS;
    for (const [index, key] of keys.entries())
      world.simulator.spend(key.text, { nano: 4_000_000_000_123 + index }, world.clock.now - DAY_MS);
    const sizes = tapDb(() => {});
    const measured = new Proxy(sizes, {
      get(target, name) {
        if (name !== 'prepare') return Reflect.get(target, name);
        return (text: string) => {
          const statement = env.DB.prepare(text);
          const bind = statement.bind.bind(statement);
          statement.bind = (...values: unknown[]) => {
            for (const value of values) largest = Math.max(largest, String(value).length);
            return bind(...values);
          };
          return statement;
        };
      },
    });
    const other = createWorld({ now: world.clock.now, db: measured });
    other.deps.openrouter = world.deps.openrouter;
    await other.sync();
    expect(largest).toBeGreaterThan(200_000);
    expect(largest).toBeLessThan(1_000_000);
    const row = await env.DB.prepare('SELECT sum(counted_nano) AS cost, count(*) AS n FROM key_day').first<{ cost: number; n: number }>();
    expect(row).toEqual({ cost: 20 * 4_000_000_000_123 + 190, n: 20 * 800 });
  });
});

describe('a queue that takes nothing', () => {
  it('lets a reading be asked for again', async () => {
    const world = createWorld();
    const user = await world.makeUser();
    const made = await world.makeKey(user.token);
    const enqueue = world.deps.enqueue;
    world.deps.enqueue = () => Promise.reject(new Error('the queue is down'));
    const ask = async () => (await world.call('POST', `/api/keys/${made.id}/sync`, { token: user.token })).status;
    expect(await ask()).toBe(503);
    expect(takeLoggedErrors()[0]).toContain('queue_failed');
    world.deps.enqueue = enqueue;
    expect(await ask()).toBe(202);
    const message = world.queue.at(-1) as JobMessage;
    expect((await deliver(world.deps, message)).kind).toBe('ack');
  });
});
