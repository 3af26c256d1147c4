import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { daysAgo, ledger, truth } from '../support/account.ts';
import { makeYear } from '../support/account-year.ts';

it('an account behind a management key is read to the nano-dollar, by key, model, provider, day and hour', async () => {
  const { world, user, textOf, keys, id } = await makeYear();
  const now = world.clock.now;
  const found = await ledger(env.DB, user.id, textOf);
  const wanted = truth(world.simulator, daysAgo(now, 30), daysAgo(now, 364), daysAgo(now, 0));
  expect(Object.keys(wanted.days).length).toBeGreaterThan(3000);
  expect(found.days).toEqual(wanted.days);
  expect(found.hours).toEqual(wanted.hours);
  const listed = await keys();
  expect(listed.filter(({ kind }) => kind === 'discovered')).toHaveLength(12);
  expect(listed.filter(({ name }) => name === 'twin')).toHaveLength(2);
  const management = listed.find((key) => key.id === id);
  expect(management).toMatchObject({ kind: 'management', status: 'active', backfill: { done: 13 * 365, total: 13 * 365 } });
});
