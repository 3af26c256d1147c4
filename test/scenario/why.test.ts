/** The dashboard's explanation of a change is that of the statistics of both ranges. */
import { expect, it } from 'vitest';
import { type Dashboard, getDashboard } from '../../src/dashboard/actions.ts';
import { dashboardSchema } from '../../src/dashboard/model.ts';
import { addDays } from '../../src/lib/day.ts';
import { daysAgo } from '../support/account.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';
import { createVisitor } from '../support/visitor.ts';

const nano = (usd: number | null): number => Math.round((usd ?? 0) * 1e9);
const sumOf = (changes: readonly { parts: Record<string, number> }[]): number =>
  changes.flatMap(({ parts }) => Object.values(parts)).reduce((sum, part) => sum + part, 0);

async function costOf({ world, user }: Scenario, from: string, to: string): Promise<number> {
  const { body } = await world.json<{ totals: { cost_usd: number | null } }>('GET', `/api/v1/stats?from=${from}&to=${to}`, {
    token: user.token,
  });
  return nano(body.totals.cost_usd);
}

async function whyOf({ world, user }: Scenario, range: string): Promise<Dashboard['why']> {
  const actor = { kind: 'user', userId: user.id, sessionId: 1 } as const;
  return (await getDashboard(world.deps, actor, dashboardSchema.parse({ range }), 'UTC')).why;
}

it.each([
  ['7d', 6],
  ['30d', 29],
])('of %s: by model and by key it adds up to the change of complete days', async (range, days) => {
  const set = await createScenario({ keys: 3, days: 70 });
  await set.add();
  await set.hours(50);
  const today = daysAgo(set.world.clock.now, 0);
  const [from, to] = [addDays(today, -days), addDays(today, -1)];
  const change = (await costOf(set, from, to)) - (await costOf(set, addDays(from, -days), addDays(from, -1)));
  const why = await whyOf(set, range);
  expect(change).not.toBe(0);
  expect([sumOf(why?.model ?? []), sumOf(why?.key ?? [])]).toEqual([change, change]);
  expect(why?.model.every(({ parts }) => parts.unknown === 0)).toBe(true);
  const { html } = await createVisitor(set.world, set.user.token).visit(`/dashboard?range=${range}`);
  expect(html).toContain('Why it changed');
});

it('is left out where nothing was spent in either range', async () => {
  const set = await createScenario({ keys: 1, days: 2 });
  const { html } = await createVisitor(set.world, set.user.token).visit('/dashboard');
  expect([await whyOf(set, '7d'), html.includes('Why it changed')]).toEqual([null, false]);
});
