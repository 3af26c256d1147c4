import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../src/lib/day.ts';
import { daysAgo, ledger, spendAtRandom, truth } from '../support/account.ts';
import { makeYear } from '../support/account-year.ts';
import type { Fault } from '../support/openrouter/faults.ts';

it('an account stays true to the nano-dollar over 30 days of hourly syncs of which a fifth of the calls fail', async () => {
  const { world, account, random, user, textOf } = await makeYear();
  const firstDay = daysAgo(world.clock.now, 30);
  const FAULTS: Fault[] = [
    { kind: 'status', status: 503 },
    { kind: 'rate_limited', retryAfter: '7' },
    { kind: 'html', status: 502 },
    { kind: 'drop' },
    { kind: 'truncated' },
    { kind: 'status', status: 408 },
    { kind: 'missing_field', field: 'data' },
  ];
  world.simulator.chooseFaults(() => (random() < 0.2 ? (FAULTS[Math.floor(random() * FAULTS.length)] as Fault) : null));
  for (let hour = 0; hour < 30 * 24; hour++) {
    const next = Math.max(world.clock.now, Math.floor(world.clock.now / HOUR_MS) * HOUR_MS + HOUR_MS + 3 * MINUTE_MS);
    spendAtRandom(world.simulator, account, world.clock.now, next, random, 0.1);
    world.clock.now = next;
    await world.sync();
  }
  world.simulator.chooseFaults(() => null);
  for (let hour = 0; hour < 3; hour++) {
    world.clock.now += HOUR_MS;
    await world.sync();
  }
  // The weekly cleanup has deleted what is older than the retention.
  const kept = daysAgo(world.clock.now, 365);
  const found = await ledger(env.DB, user.id, textOf, kept);
  const wanted = truth(world.simulator, firstDay, kept, daysAgo(world.clock.now, 0));
  expect(found.days).toEqual(wanted.days);
  expect(found.hours).toEqual(wanted.hours);
}, 300_000);
