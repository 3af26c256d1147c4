/** What an account spent without a key that is known here: derived from its total, so it moves and the total stays. */
import { expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/lib/day.ts';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { daysAgo, startOfToday, WORKSPACES } from '../support/account.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';
import { createVisitor } from '../support/visitor.ts';
import { freshKeyText } from '../support/world.ts';

interface Figure {
  key_id: number;
  cost_usd: number | null;
  is_complete: boolean;
}
interface Stats {
  totals: Figure;
  by_key: Figure[];
  drift: object[];
}

const nano = (usd: number | null | undefined): number => Math.round((usd ?? 0) * 1e9);

/** Statistics of the completed days. */
const statsOf = async ({ world, user }: Scenario): Promise<Stats> =>
  (await world.json<Stats>('GET', `/api/v1/stats?from=2026-10-01&to=${daysAgo(world.clock.now, 1)}`, { token: user.token })).body;
const ofKey = (stats: Stats, id: number): Figure | undefined => stats.by_key.find(({ key_id: key }) => key === id);
/** Analytics of one key fail from now on. */
const failing = async ({ world, account }: Scenario, text = account.keys[0] as string): Promise<void> => {
  const hash = await sha256Hex(text);
  world.simulator.alter((path, body) =>
    path.startsWith('/analytics/query') && JSON.stringify(body).includes(hash) ? async () => new Response('', { status: 500 }) : null,
  );
};
const patch = (set: Scenario, id: number, body: object) => set.world.call('PATCH', `/api/keys/${id}`, { token: set.user.token, body });

it('is pending while a key of the account cannot be read, holds what that key spends once it is paused, and gives it back', async () => {
  const set = await createScenario({ keys: 2, days: 5 });
  const manager = await set.add();
  await set.hours(14);
  const [text] = set.account.keys as [string];
  const before = await statsOf(set);
  await failing(set);
  set.world.simulator.spend(text, { nano: 7_000_000_000 });
  set.world.simulator.spendInChatroom({ nano: 3_000_000_000 });
  await set.hours(60);
  const pending = await statsOf(set);
  expect(nano(ofKey(pending, manager)?.cost_usd)).toBe(nano(ofKey(before, manager)?.cost_usd));
  expect(ofKey(pending, manager)?.is_complete).toBe(false);

  const { id } = await set.find(text);
  await patch(set, id, { is_active: false });
  await set.hours(26);
  const paused = await statsOf(set);
  const rest = nano(ofKey(paused, manager)?.cost_usd) - nano(ofKey(before, manager)?.cost_usd);
  const ofPaused = nano(ofKey(paused, id)?.cost_usd) - nano(ofKey(before, id)?.cost_usd);
  expect([rest + ofPaused, nano(paused.totals.cost_usd)]).toEqual([10_000_000_000, nano(before.totals.cost_usd) + 10_000_000_000]);
  const { html } = await createVisitor(set.world, set.user.token).visit(`/keys/${manager}`);
  expect(html).toContain('paused or deleted here');

  set.world.simulator.alter(() => null);
  await patch(set, id, { is_active: true });
  await set.hours(2);
  const resumed = await statsOf(set);
  expect(nano(ofKey(resumed, manager)?.cost_usd) - nano(ofKey(before, manager)?.cost_usd)).toBe(3_000_000_000);
  expect([nano(resumed.totals.cost_usd), resumed.drift]).toEqual([nano(paused.totals.cost_usd), []]);
});

it('holds what a key spent that is deleted here until the account lists it again; the total is the same all the time', async () => {
  const set = await createScenario({ keys: 2, days: 5 });
  const manager = await set.add();
  const [text] = set.account.keys as [string];
  const added = await set.world.json<{ id: number }>('POST', '/api/keys', { token: set.user.token, body: { name: 'own', key: text } });
  await set.hours(26);
  const before = await statsOf(set);
  expect((await set.world.call('DELETE', `/api/keys/${added.body.id}`, { token: set.user.token })).status).toBe(204);
  const deleted = await statsOf(set);
  expect(nano(deleted.totals.cost_usd)).toBe(nano(before.totals.cost_usd));
  expect(nano(ofKey(deleted, manager)?.cost_usd)).toBe(
    nano(ofKey(before, manager)?.cost_usd) + nano(ofKey(before, added.body.id)?.cost_usd),
  );
  await set.hours(2);
  const found = await statsOf(set);
  expect([nano(found.totals.cost_usd), nano(ofKey(found, manager)?.cost_usd)]).toEqual([
    nano(before.totals.cost_usd),
    nano(ofKey(before, manager)?.cost_usd),
  ]);
  expect([before, deleted, found].map(({ drift }) => drift)).toEqual([[], [], []]);
});

it('is settled again as soon as a key is read that was at rest for days: until the listing before it moved, it had spent nothing', async () => {
  const set = await createScenario({ keys: 1, days: 3 });
  const manager = await set.add();
  await set.hours(60);
  const [text] = set.account.keys as [string];
  const before = await statsOf(set);
  expect(ofKey(before, manager)?.is_complete).toBe(true);
  set.world.simulator.chooseFaults((path) => (path.startsWith('/analytics/query') ? { kind: 'status', status: 500 } : null));
  set.world.simulator.spend(text, { nano: 5 });
  await set.hours(1);
  const moved = await statsOf(set);
  expect([ofKey(moved, manager), moved.drift]).toEqual([ofKey(before, manager), []]);
});

it('holds what a key spent in a gap, on its true day, once the key is paused and the account is read: no share of it is counted beside it', async () => {
  const set = await createScenario({ keys: 2, days: 5, chance: 0 });
  const [text] = set.account.keys as [string];
  await set.add();
  await set.hours(2);
  await failing(set);
  set.world.simulator.spend(text, { nano: 20_000_000_000 }, set.world.clock.now + HOUR_MS);
  set.world.clock.now += 4 * DAY_MS;
  await set.hours(3);
  await patch(set, (await set.find(text)).id, { is_active: false });
  await set.hours(30);
  const stats = await statsOf(set);
  expect([nano(stats.totals.cost_usd), stats.drift]).toEqual([20_000_000_000, []]);
});

it('gives back what a key spent in a gap, as its counters shared it out, when the account goes', async () => {
  const set = await createScenario({ keys: 2, days: 5, chance: 0 });
  const [text] = set.account.keys as [string];
  const own = await set.world.json<{ id: number }>('POST', '/api/keys', { token: set.user.token, body: { name: 'own', key: text } });
  const manager = await set.add();
  await set.hours(2);
  await failing(set);
  set.world.simulator.spend(text, { nano: 20_000_000_000 }, set.world.clock.now + HOUR_MS);
  set.world.clock.now += 4 * DAY_MS;
  await set.hours(3);
  await patch(set, own.body.id, { is_active: false });
  await set.hours(30);
  const before = await statsOf(set);
  expect([nano(ofKey(before, own.body.id)?.cost_usd), nano(ofKey(before, manager)?.cost_usd)]).toEqual([0, 20_000_000_000]);
  await set.world.call('DELETE', `/api/keys/${manager}`, { token: set.user.token });
  const after = await statsOf(set);
  expect([nano(ofKey(after, own.body.id)?.cost_usd), nano(after.totals.cost_usd)]).toEqual([20_000_000_000, 20_000_000_000]);
});

it('is that of the same account after all of its workspaces were made anew, also where it has no key', async () => {
  const set = await createScenario({ keys: 0, days: 10, chance: 0 });
  set.world.simulator.spendInChatroom({ nano: 5_000_000_000 }, set.world.clock.now - 3 * DAY_MS);
  await set.add();
  await set.hours(2);
  for (const { id } of WORKSPACES) set.world.simulator.removeWorkspace(id);
  set.world.simulator.addWorkspace({ id: '11111111-54b1-4c0c-9f3e-5f4d3f2a1b0c', name: 'Default', slug: 'default' });
  await set.hours(30);
  expect(nano((await statsOf(set)).totals.cost_usd)).toBe(5_000_000_000);
});

it('is complete again after the management key was rotated within its account', async () => {
  const set = await createScenario({ keys: 1, days: 5 });
  const manager = await set.add();
  await set.hours(30);
  const text = freshKeyText();
  set.world.simulator.addKey(text, { isManagement: true });
  await patch(set, manager, { key: text });
  await set.hours(80);
  const stats = await statsOf(set);
  expect([ofKey(stats, manager)?.is_complete, stats.totals.is_complete]).toEqual([true, true]);
});

it('agrees with the keys within the hour where analytics lag behind midnight', async () => {
  const set = await createScenario({ keys: 1, days: 2, chance: 0 });
  const [text] = set.account.keys as [string];
  await set.add();
  set.world.simulator.analytics.lagMs = 100 * MINUTE_MS;
  const midnight = startOfToday(set.world.clock.now) + DAY_MS;
  set.world.simulator.spend(text, { nano: 3_000_000_000 }, midnight - 7 * MINUTE_MS);
  set.world.simulator.spendInChatroom({ nano: 1_000_000_000 }, midnight - 7 * MINUTE_MS);
  while (set.world.clock.now < midnight + 4 * HOUR_MS) await set.hours(1);
  const stats = await statsOf(set);
  expect([nano(stats.totals.cost_usd), stats.drift]).toEqual([4_000_000_000, []]);
});
