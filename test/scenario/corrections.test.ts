/** A counter that shrinks: what it says less is shown wherever the figure is. */
import { expect, it } from 'vitest';
import { HOUR_MS } from '../../src/lib/day.ts';
import { createVisitor } from '../support/visitor.ts';
import { createWorld } from '../support/world.ts';

const USD = 1_000_000_000;

it('is shown beside the spend: in statistics, rows, CSV, the reconciliation and on the key’s page', async () => {
  const world = createWorld();
  const user = await world.makeUser();
  const { text, id } = await world.makeKey(user.token);
  world.simulator.spend(text, { nano: 10 * USD, byokNano: 3 });
  world.clock.now += HOUR_MS;
  await world.sync();
  world.simulator.correct(text, -4 * USD);
  world.clock.now += HOUR_MS;
  await world.sync();
  const ask = async (path: string) => (await world.json('GET', path, { token: user.token })).body;
  const corrected = { cost_usd: 10, correction_usd: -4, byok_cost_usd: 3e-9, byok_correction_usd: null };
  const stats = (await ask('/api/v1/stats?tz=Asia/Kolkata')) as { totals: object; by_key: object[]; by_day: object[] };
  expect([stats.totals, stats.by_key[0]]).toMatchObject([corrected, corrected]);
  expect((await ask('/api/v1/usage?group_by=day'))['data']).toMatchObject([corrected]);
  const reconciled = (await ask('/api/v1/reconciliation?from=2026-11-15&to=2026-11-15'))['data'];
  expect(reconciled).toMatchObject([{ cost_usd: 10, correction_usd: -4, byok_correction_usd: null }]);
  expect((await ask('/api/v1/keys')) as object).toMatchObject([{ usage_usd: 6 }]);
  const csv = await world.call('GET', '/api/v1/usage?format=csv&group_by=key', { token: user.token });
  expect(await csv.text()).toBe(
    `key_id,cost_usd,byok_cost_usd,requests,prompt_tokens,completion_tokens,reasoning_tokens,cached_tokens,correction_usd,byok_correction_usd,is_complete\n${id},10,0.000000003,,,,,,-4,,false\n`,
  );
  const { html } = await createVisitor(world, user.token).visit(`/keys/${id}`);
  expect(html).toContain('OpenRouter reduced this key’s counters by $4.00');
});
