/** What an account spent without a key that is known here: derived from its total, so it moves and the total stays. */
import { expect, it } from 'vitest';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { daysAgo } from '../support/account.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';
import { createVisitor } from '../support/visitor.ts';

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
const patch = (set: Scenario, id: number, body: object) => set.world.call('PATCH', `/api/keys/${id}`, { token: set.user.token, body });

it('is pending while a key of the account cannot be read, holds what that key spends once it is paused, and gives it back', async () => {
  const set = await createScenario({ keys: 2, days: 5 });
  const manager = await set.add();
  await set.hours(14);
  const [text] = set.account.keys as [string];
  const hash = await sha256Hex(text);
  const before = await statsOf(set);
  set.world.simulator.alter((path, body) =>
    path.startsWith('/analytics/query') && JSON.stringify(body).includes(hash) ? async () => new Response('', { status: 500 }) : null,
  );
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
