import { DAY_MS } from '../../src/lib/day.ts';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { addManagement, makeAccount, spendAtRandom, startOfToday } from './account.ts';
import { createRandom } from './random.ts';
import type { ListedKey } from './scenario.ts';
import { createWorld } from './world.ts';

/** A year of an account of 12 keys in 3 workspaces. */
export async function makeYear() {
  const world = createWorld();
  const account = makeAccount(world.simulator, world.clock.now, 12, 365);
  const random = createRandom(7);
  spendAtRandom(world.simulator, account, startOfToday(world.clock.now) - 364 * DAY_MS, world.clock.now, random);
  const user = await world.makeUser();
  const hashes = new Map(await Promise.all(account.keys.map(async (text) => [await sha256Hex(text), text] as const)));
  const textOf = (hash: string) => hashes.get(hash) ?? 'unknown';
  const id = await addManagement(world, user.token, account.management);
  const keys = async () => (await world.json<ListedKey[]>('GET', '/api/keys', { token: user.token })).body;
  return { world, account, random, user, textOf, id, keys };
}
