import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { deliver, onCron, onDeadLetter } from '../../src/jobs/index.ts';
import type { JobMessage } from '../../src/jobs/model.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/lib/day.ts';
import { takeLoggedErrors } from '../support/no-console-error.ts';
import type { Fault } from '../support/openrouter/faults.ts';
import { createWorld, type World } from '../support/world.ts';

const SYNC = '3 * * * *';
const VALIDATE = '0 2 * * *';

/** Each test sees only its own keys: the crons read those of all users. */
beforeEach(async () => {
  await env.DB.batch(
    ['api_key', 'upstream_key', 'job_run', 'key_day', 'user', 'session'].map((table) => env.DB.prepare(`DELETE FROM ${table}`)),
  );
});

type Made = Awaited<ReturnType<World['makeKey']>>;

async function statusOf(world: World, token: string, id: number): Promise<string> {
  return (await world.json<{ status: string }>('GET', `/api/keys/${id}`, { token })).body.status;
}

/** The ledger's sum of a key and what it really spent since the monitor knows it must be the same nano-dollars. */
async function expectExact(world: World, key: Made, from = 0): Promise<void> {
  const row = await env.DB.prepare(
    'SELECT sum(counted_nano) AS cost, sum(counted_byok_nano) AS byok, sum(correction_nano) AS correction FROM key_day AS c JOIN upstream_key AS u ON u.id = c.upstream_key_id WHERE u.api_key_id = ?',
  )
    .bind(key.id)
    .first<{ cost: number | null; byok: number | null; correction: number | null }>();
  const spent = world.simulator.spentBetween(key.text, from, world.clock.now + 1);
  expect([row?.cost ?? 0, row?.byok ?? 0, row?.correction ?? 0]).toEqual([spent.nano, spent.byokNano, 0]);
}

async function makeKeys(world: World, count: number): Promise<{ token: string; keys: Made[] }> {
  const user = await world.makeUser();
  const keys: Made[] = [];
  for (let index = 0; index < count; index++) keys.push(await world.makeKey(user.token, `key ${index}`));
  return { token: user.token, keys };
}

function spendOnAll(world: World, keys: Made[], nano: number): void {
  for (const [index, key] of keys.entries()) world.simulator.spend(key.text, { nano: nano + index, byokNano: index });
}

const runs = async (job: string) =>
  (
    await env.DB.prepare('SELECT slot, part, finished_at, counts, error FROM job_run WHERE job = ? ORDER BY slot, part')
      .bind(job)
      .all<{ slot: string; part: number; finished_at: number | null; counts: string; error: string | null }>()
  ).results;

describe('the hourly sync', () => {
  it('reads every active key once and says what it did', async () => {
    const world = createWorld();
    const { keys } = await makeKeys(world, 9);
    spendOnAll(world, keys, 1_000_000_007);
    world.clock.now += HOUR_MS;
    await world.sync();
    for (const key of keys) await expectExact(world, key);
    const parts = (await runs('sync')).map(({ part, counts }) => [part > 0, JSON.parse(counts)]);
    expect(parts).toEqual([
      [false, { due: 9, postponed: 0, messages: 1 }],
      [true, { attempts: 1, read: 9 }],
    ]);
    expect(world.simulator.load.most).toBeLessThanOrEqual(6);
  });

  it('has at most six requests at once and packs at most twenty keys into a message', async () => {
    const world = createWorld();
    const keys: Made[] = [];
    for (let user = 0; user < 5; user++) keys.push(...(await makeKeys(world, 9)).keys);
    world.clock.now += HOUR_MS;
    await onCron(world.deps, SYNC, world.clock.now);
    const sizes = world.queue.flatMap((message) => ('keyIds' in message && message.job === 'sync' ? [message.keyIds.length] : []));
    expect(sizes).toEqual([20, 20, 5]);
    expect(JSON.stringify(world.queue)).not.toContain('sk-or');
    await world.drain();
    expect(world.simulator.load.most).toBe(6);
  });

  it('writes no ledger row and one row in all for a key that did not change', async () => {
    const world = createWorld();
    const { keys } = await makeKeys(world, 1);
    spendOnAll(world, keys, 5);
    world.clock.now += HOUR_MS;
    await world.sync();
    const ledger = () =>
      env.DB.prepare('SELECT * FROM key_day')
        .all()
        .then(({ results }) => JSON.stringify(results));
    const before = await ledger();
    for (let hour = 0; hour < 3; hour++) {
      world.clock.now += HOUR_MS;
      await world.sync();
    }
    expect(await ledger()).toBe(before);
  });

  it('rung four times at once leaves exact numbers and asks OpenRouter once', async () => {
    const world = createWorld();
    const { keys } = await makeKeys(world, 10);
    spendOnAll(world, keys, 123_456_789);
    world.clock.now += HOUR_MS;
    const asked = world.simulator.requests.length;
    await Promise.all(Array.from({ length: 4 }, () => onCron(world.deps, SYNC, world.clock.now)));
    const messages = world.queue.splice(0);
    const deliveries = await Promise.all(messages.map((message) => deliver(world.deps, message)));
    expect(deliveries.filter(({ kind }) => kind === 'ack').length).toBeGreaterThan(0);
    for (const message of messages) await deliver(world.deps, message);
    await world.drain();
    for (const key of keys) await expectExact(world, key);
    expect(world.simulator.requests.length - asked).toBe(10);
  });

  it('stays exact when readings of a key overlap in every order', async () => {
    const world = createWorld();
    const { keys } = await makeKeys(world, 1);
    const [key] = keys as [Made];
    for (let round = 0; round < 20; round++) {
      world.simulator.spend(key.text, { nano: 1000 + round });
      world.clock.now += MINUTE_MS;
      const slots = [0, 1, 2].map((offset) => new Date(world.clock.now + offset).toISOString());
      world.clock.now += 3;
      const messages = slots.map((slot): JobMessage => ({ job: 'sync', slot, part: key.id, keyIds: [key.id] }));
      await Promise.all(messages.map((message) => deliver(world.deps, message)));
    }
    await world.sync();
    await expectExact(world, key);
  });

  it('late, twice, or after a day of silence leaves exact numbers', async () => {
    const world = createWorld({ lagMs: 40_000, now: Date.parse('2026-11-15T20:03:00Z') });
    const { keys } = await makeKeys(world, 3);
    const start = world.clock.now;
    const spend = () => spendOnAll(world, keys, 777_000_001);
    const rings: [wait: number, times: number][] = [
      [HOUR_MS, 1],
      [HOUR_MS + 25 * MINUTE_MS, 1],
      [35 * MINUTE_MS, 2],
      [HOUR_MS + 60_000, 1],
      [26 * HOUR_MS, 1],
      [HOUR_MS, 3],
      [5 * 24 * HOUR_MS, 1],
    ];
    for (const [wait, times] of rings) {
      spend();
      world.clock.now += wait;
      const scheduledAt = world.clock.now - 10_000;
      for (let time = 0; time < times; time++) {
        await onCron(world.deps, SYNC, scheduledAt);
        await world.drain();
      }
    }
    world.clock.now += MINUTE_MS;
    await world.sync();
    for (const key of keys) await expectExact(world, key, start - HOUR_MS);
  });

  it('books by UTC day as it was spent, over a midnight and a month’s end', async () => {
    const world = createWorld({ now: Date.parse('2026-11-30T20:03:00Z'), lagMs: 35_000 });
    const { keys, token } = await makeKeys(world, 1);
    const [key] = keys as [Made];
    for (let hour = 0; hour < 8; hour++) {
      for (const minute of [10, 56.9]) world.simulator.spend(key.text, { nano: 1_000_000 + hour }, world.clock.now + minute * MINUTE_MS);
      world.clock.now += HOUR_MS;
      await world.sync();
    }
    const { body } = await world.json<{ by_day: { date: string; cost_usd: number }[]; approximate_days: string[] }>(
      'GET',
      '/api/v1/stats?from=2026-11-30&to=2026-12-01',
      { token },
    );
    const spent = (from: string, to: string) => world.simulator.spentBetween(key.text, Date.parse(from), Date.parse(to)).nano / 1e9;
    expect(body.by_day.map(({ date, cost_usd }) => [date, cost_usd])).toEqual([
      ['2026-11-30', spent('2026-11-30', '2026-12-01')],
      ['2026-12-01', spent('2026-12-01', '2026-12-02')],
    ]);
    expect(body.approximate_days).toEqual([]);
  });
});

describe('failures', () => {
  const faults: Fault[] = [
    { kind: 'status', status: 402 },
    { kind: 'status', status: 403 },
    { kind: 'status', status: 500 },
    { kind: 'status', status: 524 },
    { kind: 'rate_limited' },
    { kind: 'rate_limited', retryAfter: '20' },
    { kind: 'rate_limited', retryAfter: '7200' },
    { kind: 'html', status: 200 },
    { kind: 'html', status: 401 },
    { kind: 'missing_field', field: 'usage' },
    { kind: 'wrong_type', field: 'usage_daily' },
    { kind: 'redirect', location: 'https://evil.example/' },
    { kind: 'oversized' },
    { kind: 'deep' },
    { kind: 'trickle' },
    { kind: 'hang' },
    { kind: 'drop' },
    { kind: 'status', status: 401 },
  ];

  it.each(faults)(
    'of one key ($kind $status $retryAfter$field) leave the other nine exact, and it too once it answers again',
    async (fault) => {
      const world = createWorld();
      const { keys, token } = await makeKeys(world, 10);
      const bad = keys[3] as Made;
      spendOnAll(world, keys, 5_000_000);
      world.simulator.setFault(bad.text, fault);
      world.clock.now += HOUR_MS;
      await world.sync();
      for (const key of keys.filter((other) => other !== bad)) await expectExact(world, key);
      expect(await statusOf(world, token, bad.id)).toBe('active');
      const { body } = await world.json<{ last_error: string }>('GET', `/api/keys/${bad.id}`, { token });
      expect(body.last_error).toMatch(/^OpenRouter/);
      spendOnAll(world, keys, 3);
      world.simulator.setFault(bad.text, null);
      world.clock.now += 3 * HOUR_MS;
      await world.sync();
      for (const key of keys) await expectExact(world, key);
      expect((await world.json('GET', `/api/keys/${bad.id}`, { token })).body).toMatchObject({ last_error: null, status: 'active' });
    },
  );

  it('that pass are tried again in the same run, and then left to the next ring', async () => {
    const world = createWorld();
    const { keys } = await makeKeys(world, 1);
    const [key] = keys as [Made];
    spendOnAll(world, keys, 9);
    world.simulator.setFault(key.text, { kind: 'status', status: 503 });
    world.clock.now += HOUR_MS;
    await world.sync();
    const parts = (await runs('sync')).filter(({ part }) => part > 0);
    expect(parts.map(({ finished_at, counts }) => [finished_at !== null, JSON.parse(counts)])).toEqual([
      [true, { attempts: 4, unavailable: 4 }],
    ]);
  });

  it('with Retry-After are respected by every job', async () => {
    const world = createWorld();
    const { keys } = await makeKeys(world, 1);
    const [key] = keys as [Made];
    world.simulator.setFault(key.text, { kind: 'rate_limited', retryAfter: '7000' });
    world.clock.now += HOUR_MS;
    await world.sync();
    const asked = world.simulator.requests.length;
    world.clock.now += HOUR_MS;
    await world.sync();
    await onCron(world.deps, VALIDATE, world.clock.now);
    await world.drain();
    expect(world.simulator.requests.length).toBe(asked);
    world.clock.now += HOUR_MS;
    world.simulator.setFault(key.text, null);
    spendOnAll(world, keys, 8);
    await world.sync();
    await expectExact(world, key);
  });

  it('of the encryption keyring mark the key and touch nobody else', async () => {
    const world = createWorld();
    const { keys, token } = await makeKeys(world, 2);
    await env.DB.prepare("UPDATE api_key SET ciphertext = replace(ciphertext, 'v1.test1.', 'v1.gone.'), kid = 'gone' WHERE id = ?")
      .bind(keys[0]?.id)
      .run();
    spendOnAll(world, keys, 5);
    world.clock.now += HOUR_MS;
    await world.sync();
    await expectExact(world, keys[1] as Made);
    expect((await world.json('GET', `/api/keys/${keys[0]?.id}`, { token })).body).toMatchObject({
      last_error: 'The encryption key "gone" is missing from ENCRYPTION_KEYS.',
      status: 'active',
    });
    const health = await world.json<{ detail: string }>('GET', '/health');
    expect(health.status).toBe(503);
    expect(health.body.detail).not.toContain('gone');
    expect((await world.json<{ detail: string }>('GET', '/health', { token })).body.detail).toContain('gone');
  });
});

describe('validation', () => {
  it('makes a key invalid by a 401 in two different runs, in whatever jobs, and active when it answers again', async () => {
    const world = createWorld();
    const { keys, token } = await makeKeys(world, 1);
    const [key] = keys as [Made];
    world.simulator.setFault(key.text, { kind: 'status', status: 401 });
    world.clock.now += HOUR_MS;
    await onCron(world.deps, SYNC, world.clock.now);
    const messages = [...world.queue];
    await world.drain();
    for (const message of messages) await deliver(world.deps, message);
    expect(await statusOf(world, token, key.id)).toBe('active');
    world.clock.now += HOUR_MS;
    await onCron(world.deps, VALIDATE, world.clock.now);
    await world.drain();
    expect(await statusOf(world, token, key.id)).toBe('invalid');

    world.simulator.setFault(key.text, null);
    world.simulator.spend(key.text, { nano: 6 });
    world.clock.now += HOUR_MS;
    const asked = world.simulator.requests.length;
    await world.sync();
    expect(world.simulator.requests.length).toBe(asked);
    await onCron(world.deps, VALIDATE, world.clock.now);
    await world.drain();
    expect(await statusOf(world, token, key.id)).toBe('active');
    await expectExact(world, key);
  });

  it('is not moved by a 401 that is followed by an answer', async () => {
    const world = createWorld();
    const { keys, token } = await makeKeys(world, 1);
    const [key] = keys as [Made];
    for (const fault of [
      { kind: 'status', status: 401 },
      null,
      { kind: 'status', status: 401 },
      { kind: 'status', status: 503 },
    ] as const) {
      world.simulator.setFault(key.text, fault);
      world.clock.now += HOUR_MS;
      await world.sync();
      expect(await statusOf(world, token, key.id)).toBe('active');
    }
  });

  it('reads all but paused keys, once since its ring', async () => {
    const world = createWorld();
    const { keys, token } = await makeKeys(world, 3);
    await world.call('PATCH', `/api/keys/${keys[0]?.id}`, { token, body: { is_active: false } });
    world.clock.now += 24 * HOUR_MS;
    const asked = world.simulator.requests.length;
    await onCron(world.deps, VALIDATE, world.clock.now);
    await onCron(world.deps, VALIDATE, world.clock.now);
    await world.drain();
    expect(world.simulator.requests.length - asked).toBe(2);
  });
});

describe('rings', () => {
  it('make up for a daily and a weekly job that did not ring', async () => {
    const world = createWorld({ now: Date.parse('2026-11-14T10:03:00Z') });
    await world.sync();
    expect((await runs('validate')).map(({ slot }) => slot)).toEqual(['2026-11-14T02:00:00.000Z']);
    expect((await runs('cleanup')).map(({ slot, part }) => [slot, part])).toEqual([
      ['2026-11-08T03:00:00.000Z', 0],
      ['2026-11-08T03:00:00.000Z', 1],
    ]);
    world.clock.now += HOUR_MS;
    await world.sync();
    expect(await runs('validate')).toHaveLength(1);
    world.clock.now += 24 * HOUR_MS;
    await world.sync();
    expect((await runs('validate')).map(({ slot }) => slot)).toEqual(['2026-11-14T02:00:00.000Z', '2026-11-15T02:00:00.000Z']);
    expect(new Set((await runs('cleanup')).map(({ slot }) => slot)).size).toBe(2);
  });

  it('of a cron that belongs to no job are an error', async () => {
    await expect(onCron(createWorld().deps, '* * * * *', 0)).rejects.toThrow('No job');
  });
});

describe('messages', () => {
  it('that nobody understands are done with', async () => {
    const { deps } = createWorld();
    for (const body of [null, 'x', { job: 'unknown' }, { job: 'sync', slot: 'x', part: 1, keyIds: [1] }])
      expect(await deliver(deps, body)).toEqual({ kind: 'ack' });
  });

  it('that somebody else works on come again when the lease is over', async () => {
    const world = createWorld();
    const { keys } = await makeKeys(world, 1);
    const message: JobMessage = { job: 'sync', slot: new Date(world.clock.now + 1).toISOString(), part: 7, keyIds: [keys[0]?.id ?? 0] };
    world.clock.now += 1;
    await env.DB.prepare("INSERT INTO job_run (job, slot, part, started_at, lease_until, counts) VALUES ('sync', ?, 7, ?, ?, '{}')")
      .bind(message.slot, world.clock.now, world.clock.now + 90_000)
      .run();
    expect(await deliver(world.deps, message)).toEqual({ kind: 'retry', delayS: 90 });
    world.clock.now += 90_000;
    expect(await deliver(world.deps, message)).toEqual({ kind: 'ack' });
  });

  it('that the queue gave up on are seen in /health', async () => {
    const world = createWorld();
    const { token } = await makeKeys(world, 1);
    const slot = new Date(world.clock.now).toISOString();
    await onDeadLetter(world.deps, { job: 'sync', slot, part: 3, keyIds: [3] });
    await onDeadLetter(world.deps, { job: 'purge' });
    await onDeadLetter(world.deps, 'garbage');
    const { body } = await world.json<{ jobs: { sync: { last_run: { errors: string[] } } } }>('GET', '/health', { token });
    expect(body.jobs.sync.last_run.errors).toHaveLength(1);
  });
});

describe('health', () => {
  it('tells anybody when each job last succeeded, and a session what it did', async () => {
    const world = createWorld({ now: Date.parse('2026-11-15T10:03:00Z') });
    const never = { last_success_at: null, is_overdue: false, never_ran: true };
    expect(await world.json('GET', '/health')).toMatchObject({
      status: 200,
      body: { status: 'ok', jobs: { sync: never, validate: never, cleanup: never } },
    });
    const { keys, token } = await makeKeys(world, 2);
    spendOnAll(world, keys, 1);
    world.clock.now += HOUR_MS;
    const at = new Date(world.clock.now).toISOString();
    await world.sync();
    const anonymous = await world.json<{ jobs: { sync: object } }>('GET', '/health');
    expect(anonymous.body.jobs.sync).toEqual({ last_success_at: at, is_overdue: false, never_ran: false });
    world.clock.now += 2 * HOUR_MS + 1;
    const { body } = await world.json<{ jobs: { sync: object } }>('GET', '/health', { token });
    expect(body.jobs.sync).toEqual({
      last_success_at: at,
      is_overdue: true,
      never_ran: false,
      last_run: { slot: at, parts: 1, unfinished: 0, counts: { due: 2, postponed: 0, messages: 1, attempts: 1, read: 2 }, errors: [] },
    });
    expect((await world.json<{ jobs: object }>('GET', '/health', { token: 'garbage' })).body.jobs).not.toHaveProperty('sync.last_run');
  });

  it('is 503 when the database does not answer', async () => {
    const broken = new Proxy(env.DB, {
      get: (target, name) => (name === 'prepare' ? () => target.prepare('SELECT * FROM no_such_table') : Reflect.get(target, name)),
    });
    const world = createWorld({ db: broken as D1Database });
    expect((await world.json('GET', '/health')).status).toBe(503);
    expect(takeLoggedErrors().join()).toContain('no such table');
  });
});
