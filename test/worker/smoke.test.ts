import { expect, it } from 'vitest';
import { createWorld } from '../support/world.ts';

it('runs the main job', async () => {
  const world = createWorld();
  const user = await world.makeUser();
  const key = await world.makeKey(user.token);
  world.clock.now += 60_000;
  world.simulator.spend(key.text, { nano: 1_234_567_891 });
  await world.sync();
  const stats = await world.json<{ totals: { cost_usd: number } }>('GET', '/api/v1/stats', { token: user.token });
  expect(stats.body.totals.cost_usd).toBe(1.234567891);
});
