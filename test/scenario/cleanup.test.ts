import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { cleanupMessage } from '../../src/jobs/cleanup.ts';
import { deliver, onCron } from '../../src/jobs/index.ts';
import { addDays, DAY_MS, dayOf } from '../../src/lib/day.ts';
import { createWorld } from '../support/world.ts';

const CLEANUP = '0 3 * * SUN';

const insertMany = (table: string, columns: string, rows: unknown[][]) => {
  const places = columns.split(',').map((_, index) => `json_extract(value, '$[${index}]')`);
  return env.DB.prepare(`INSERT INTO ${table} (${columns}) SELECT ${places.join(',')} FROM json_each(?)`)
    .bind(JSON.stringify(rows))
    .run();
};
const count = async (table: string, condition = 'true') =>
  (await env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${condition}`).first<{ n: number }>())?.n;

it('cuts every table that grows back to its retention, in bounded steps, and touches nothing else', async () => {
  const world = createWorld();
  const now = world.clock.now;
  const today = dayOf(now);
  const user = await world.makeUser();
  const days = Array.from({ length: 500 }, (_, index) => addDays(today, -index));
  const users = Array.from({ length: 130 }, (_, index) => 10_000 + index);
  const ledger = 'user_id,day,upstream_key_id,counted_nano,counted_byok_nano,correction_nano,correction_byok_nano,is_estimated,hours';
  const rowsOf = (userId: number, keyId: number, some: string[]) => some.map((day) => [userId, day, keyId, 7, 0, 0, 0, 0, '{"3":[7,0]}']);
  for (const keyId of [1, 2, 3]) await insertMany('key_day', ledger, rowsOf(user.id, keyId, days));
  await insertMany(
    'key_day',
    ledger,
    users.flatMap((id) => rowsOf(id, id, days.slice(360, 370))),
  );
  await insertMany('key_day', ledger, rowsOf(77_777, 9, days));
  await insertMany('purge', 'user_id,requested_at', [[77_777, now]]);
  const sums = 'user_id,day,cut,spent,keys,models,providers,credits,drift';
  await insertMany(
    'day_sum',
    sums,
    days.map((day) => [88_888, day, 0, ...Array(6).fill('[]')]),
  );
  await insertMany('session', 'user_id,created_at,expires_at', [
    [user.id, 1, now - 1],
    [user.id, 1, now - DAY_MS],
  ]);
  await insertMany('one_time_link', 'token_hash,created_at,expires_at,used_at', [
    ['a', 1, now - 1, null],
    ['b', 1, now + 9, now - 1],
    ['c', 1, now + 9, null],
  ]);
  await insertMany('sign_in_failure', 'email_hash,failures,started_at', [
    ['old', 3, now - DAY_MS],
    ['new', 3, now],
  ]);
  await insertMany('api_token', 'user_id,name,token_hash,prefix,is_active,created_at,revoked_at', [
    [user.id, 'long revoked', 'h1', 'p', 0, 1, now - 366 * DAY_MS],
    [user.id, 'revoked', 'h2', 'p', 0, 1, now - 300 * DAY_MS],
    [user.id, 'active', 'h3', 'p', 1, 1, null],
  ]);
  const old = new Date(now - 31 * DAY_MS).toISOString();
  await insertMany('job_run', 'job,slot,part,started_at,lease_until,finished_at,counts', [
    ['sync', old, 0, 1, 1, 1, '{}'],
    ['sync', new Date(now - 29 * DAY_MS).toISOString(), 0, 1, 1, 1, '{}'],
  ]);

  await onCron(world.deps, CLEANUP, now);
  let largest = 0;
  while (world.queue.length > 0) {
    const message = world.queue.shift();
    if (message?.job !== 'cleanup') {
      await deliver(world.deps, message);
      continue;
    }
    const before = (await count('key_day')) ?? 0;
    expect(await cleanupMessage(world.deps, message, 300)).toEqual({ kind: 'ack' });
    largest = Math.max(largest, before - ((await count('key_day')) ?? 0));
    expect(await cleanupMessage(world.deps, message, 300)).toEqual({ kind: 'ack' });
  }
  expect(largest).toBeGreaterThan(0);
  expect(largest).toBeLessThanOrEqual(600);

  const [cutoff, hourCutoff] = [addDays(today, -365), addDays(today, -92)];
  expect(await count('key_day', `user_id = ${user.id}`)).toBe(3 * 366);
  expect(await count('key_day', `day < '${cutoff}'`)).toBe(0);
  expect(await count('key_day', `day < '${hourCutoff}' AND hours IS NOT NULL`)).toBe(0);
  expect(await count('key_day', `day >= '${hourCutoff}' AND hours IS NULL`)).toBe(0);
  expect(await count('key_day', 'user_id >= 10000 AND user_id < 20000')).toBe(130 * 6);
  expect(await count('key_day', 'counted_nano <> 7')).toBe(0);
  expect([await count('key_day', 'user_id = 77777'), await count('purge')]).toEqual([0, 0]);
  expect(await count('day_sum')).toBe(366);
  expect(await count('session')).toBe(1);
  expect(await count('one_time_link')).toBe(1);
  expect(await count('sign_in_failure')).toBe(1);
  expect(await count('api_token')).toBe(2);
  expect(await count('job_run', `slot <= '${old}'`)).toBe(0);
  expect(await count('job_run', "job = 'sync'")).toBe(1);
  expect((await world.call('GET', '/api/auth/me', { token: user.token })).status).toBe(200);
});

it('goes on where an invocation ended, once', async () => {
  const world = createWorld();
  await onCron(world.deps, CLEANUP, world.clock.now);
  const [message] = world.queue.filter(({ job }) => job === 'cleanup');
  await Promise.all([deliver(world.deps, message), deliver(world.deps, message)]);
  await world.drain();
  const health = await world.json<{ jobs: { cleanup: { never_ran: boolean } } }>('GET', '/health');
  expect(health.body.jobs.cleanup.never_ran).toBe(false);
});
