/**
 * Keys by the thousand against the simulator: does what a key costs stay the same, and is the ledger exact at the end? Prints a table.
 * `npx vitest run --config bench/workerd.config.ts load`
 */
import { describe, expect, it } from 'vitest';
import type { Keyring } from '../src/crypto/cipher.ts';
import { HOUR_MS } from '../src/lib/day.ts';
import { COST_HEAD, type Cost, costCells, divideCost, figure, table } from './cost.ts';
import { addOwnKeys, type CrowdKey } from './crowd.ts';
import { clearDatabase, createLoadWorld, type LoadWorld, readRuntimeCpu } from './load-world.ts';

const LARGEST = 10_000;
const SIZES = [1000, 3000, LARGEST];
/** Messages that are worked on at the same time while keys are encrypted anew. */
const AT_ONCE = 8;
const KEYS_A_USER = 10;
const START = Date.parse('2026-11-16T05:03:00Z');
const SYNC = '3 * * * *';
/** What a key costs may differ by so much between sizes: what a run costs once is shared by more keys. */
const TOLERANCE = 0.03;

interface Measured {
  keys: number;
  what: string;
  seconds: number;
  cpuSeconds: number;
  cost: Cost;
}

/** An amount of nano-dollars that no other key has. */
const amountOf = (index: number): number => 1_000_000 + index * 7919;

/** The ledger's sum is what the simulator charged, key by key and to the nano-dollar. */
async function expectExact({ query, simulator }: LoadWorld, keys: readonly CrowdKey[]): Promise<void> {
  const sums = await query<{ hash: string; nano: number }>(
    'SELECT k.hash, sum(d.counted_nano) AS nano FROM key_day AS d JOIN upstream_key AS k ON k.id = d.upstream_key_id GROUP BY k.id ORDER BY k.api_key_id',
  );
  const wanted = keys.map(({ text }) => simulator.spentBetween(text, 0, Number.MAX_SAFE_INTEGER).nano);
  expect(sums.map(({ nano }) => nano)).toEqual(wanted);
  const [doubtful] = await query<{ count: number }>('SELECT count(*) AS count FROM key_day WHERE correction_nano <> 0 OR is_estimated');
  expect(doubtful?.count).toBe(0);
}

/** Adds users with keys and reads these for the first time, then in an hour without spend, then in one in which each of them spent. */
async function measureSize(size: number): Promise<Measured[]> {
  await clearDatabase();
  const load = createLoadWorld(START);
  const keys = await addOwnKeys(load, size, KEYS_A_USER);
  const measure = async (what: string, at: number): Promise<Measured> => {
    load.takeCosts();
    const [began, cpuBefore] = [performance.now(), await readRuntimeCpu()];
    await load.ringAt(SYNC, at);
    const cpuSeconds = (await readRuntimeCpu()) - cpuBefore;
    return { keys: size, what, seconds: (performance.now() - began) / 1000, cpuSeconds, cost: load.takeCosts().all };
  };
  await load.ringAt(SYNC, START);
  const still = await measure('an hour without spend', START + HOUR_MS);
  for (const [index, { text }] of keys.entries()) load.simulator.spend(text, { nano: amountOf(index) }, START + 1.5 * HOUR_MS);
  const moved = await measure('an hour in which each key spent', START + 2 * HOUR_MS);
  await expectExact(load, keys);
  return [still, moved];
}

function printTables(all: readonly Measured[]): void {
  const total = all.map(({ keys, what, cost, seconds, cpuSeconds }) => [
    figure(keys),
    what,
    ...costCells(cost),
    figure(seconds),
    figure(cpuSeconds),
  ]);
  const each = all.map(({ keys, what, cost, seconds, cpuSeconds }) => [
    figure(keys),
    what,
    ...costCells(divideCost(cost, keys)),
    figure((seconds / keys) * 1000),
    figure((cpuSeconds / keys) * 1000),
  ]);
  const head = ['Keys', 'What', ...COST_HEAD];
  console.log(`${table([...head, 'Seconds', 'CPU, s'], total, 2)}\n\nThe same, per key:\n\n${table([...head, 'ms', 'CPU, ms'], each, 2)}`);
}

const keyOf = (kid: string): Keyring[number] => ({ kid, secret: crypto.getRandomValues(new Uint8Array(32)) });
const [FORMER, PRESENT] = [keyOf('former'), keyOf('present')];

/** The ids of the encryption keys that are in use, with how many OpenRouter keys need each. */
const kidsOf = ({ query }: LoadWorld) => query<{ kid: string; count: number }>('SELECT kid, count(*) AS count FROM api_key GROUP BY kid');

describe('keys by the thousand', () => {
  it('cost the same each, and every nano-dollar is booked once', async () => {
    const all: Measured[] = [];
    for (const size of SIZES) all.push(...(await measureSize(size)));
    printTables(all);
    for (const [index, { keys, cost }] of all.entries()) {
      const [first, now] = [divideCost(all[index % 2]?.cost ?? cost, SIZES[0] ?? 1), divideCost(cost, keys)];
      for (const name of Object.keys(now) as (keyof Cost)[])
        expect([name, Math.abs(now[name] - first[name]) <= TOLERANCE * first[name]]).toEqual([name, true]);
    }
  });

  it('are encrypted anew with another key while they are read', async () => {
    await clearDatabase();
    const load = createLoadWorld(START);
    const { deps, simulator, ringAt } = load;
    const useKeyring = (keyring: Keyring): void => {
      deps.config = { ...deps.config, keyring };
    };
    useKeyring([FORMER]);
    const keys = await addOwnKeys(load, LARGEST, KEYS_A_USER);
    await ringAt(SYNC, START);
    expect(await kidsOf(load)).toEqual([{ kid: 'former', count: LARGEST }]);
    for (const [hour, keyring] of [[PRESENT, FORMER], [PRESENT]].entries()) {
      useKeyring(keyring);
      const at = START + hour * HOUR_MS;
      for (const [index, { text }] of keys.entries()) simulator.spend(text, { nano: amountOf(index) }, at + HOUR_MS / 2);
      load.takeCosts();
      const began = performance.now();
      await ringAt(SYNC, at + HOUR_MS, AT_ONCE);
      const rewraps = load.takeCosts().byName.get('rewrap')?.messages ?? 0;
      console.log(`${keyring.map(({ kid }) => kid)}: ${rewraps} steps of rotation, ${figure((performance.now() - began) / 1000)} s in all`);
      expect(await kidsOf(load)).toEqual([{ kid: 'present', count: LARGEST }]);
    }
    await expectExact(load, keys);
  });
});
