/**
 * What a day costs, by the way keys are read and by the hours in which they spend: the unit costs of docs/capacity.md.
 * `npx vitest run --config bench/workerd.config.ts days`
 */
import { describe, expect, it } from 'vitest';
import { addDays, DAY_MS, dayOf, HOUR_MS, MINUTE_MS, startOfDay } from '../src/lib/day.ts';
import { MODELS, PROVIDERS } from '../test/support/openrouter/catalog.ts';
import { addCosts, COST_HEAD, type Cost, costCells, divideCost, figure, NO_COST, table } from './cost.ts';
import { addAccount, addOwnKeys } from './crowd.ts';
import { clearDatabase, createLoadWorld, type LoadWorld } from './load-world.ts';

const CRONS = { sync: '3 * * * *', validate: '0 2 * * *', cleanup: '0 3 * * SUN' };
/** A Monday in the middle of a month, so that what a budget reads is neither little nor much. */
const START = Date.parse('2026-11-16T00:00:00Z');
const FIRST_DAY = START - DAY_MS;
/** What one key uses in an hour in which it spends, where analytics tell it: pairs of a model and a provider. */
const MODELS_A_KEY = 3;
const BUSY_HOURS = [0, 8, 24];

/** Keys of one kind, and whose they are. */
interface Shape {
  name: string;
  keys: number;
  /** Makes the keys; returns their texts. */
  make(load: LoadWorld): Promise<string[]>;
}

const ownKeys = (keys: number, keysAUser: number): Shape => ({
  name: `own, ${keysAUser} a user`,
  keys,
  make: async (load) => (await addOwnKeys(load, keys, keysAUser)).map(({ text }) => text),
});

const accountOf = (keys: number): Shape => ({ name: `account of ${keys}`, keys, make: (load) => addAccount(load, keys) });

const SHAPES = [ownKeys(100, 10), ownKeys(100, 1), accountOf(10), accountOf(100)];

/** Spends with each key in the hour before the ring at minute 3. */
function spendHour({ simulator }: LoadWorld, texts: readonly string[], hour: number): void {
  for (const [index, text] of texts.entries()) {
    for (let pair = 0; pair < MODELS_A_KEY; pair++) {
      const place = { model: MODELS[(index + pair) % MODELS.length]?.permaslug ?? '', provider: PROVIDERS[pair] ?? '' };
      simulator.spend(text, { nano: 1_234_567 + index, ...place }, hour - 30 * MINUTE_MS);
    }
  }
}

/** A day with its rings; each key spends in so many hours from one in the morning on. */
async function runDay(load: LoadWorld, texts: readonly string[], day: number, busyHours: number): Promise<void> {
  for (let hour = 0; hour < 24; hour++) {
    const at = day + hour * HOUR_MS;
    if (hour === 2) await load.ringAt(CRONS.validate, at);
    // What was spent before the first reading is not the ledger's.
    if (hour >= 24 - busyHours && at > FIRST_DAY) spendHour(load, texts, at);
    await load.ringAt(CRONS.sync, at + 3 * MINUTE_MS);
  }
}

/** The cost of a day after another of its kind, by message. */
async function measureDay(shape: Shape, busyHours: number): Promise<Map<string, Cost>> {
  await clearDatabase();
  const load = createLoadWorld(FIRST_DAY);
  const texts = await shape.make(load);
  await runDay(load, texts, FIRST_DAY, busyHours);
  load.takeCosts();
  await runDay(load, texts, START, busyHours);
  const { byName } = load.takeCosts();
  await expectExact(load, texts);
  return byName;
}

/** Nothing was lost on the way. */
async function expectExact({ query, simulator }: LoadWorld, texts: readonly string[]): Promise<void> {
  const wanted = texts.reduce((sum, text) => sum + simulator.spentBetween(text, 0, Number.MAX_SAFE_INTEGER).nano, 0);
  const [sums = {}] = await query<Record<string, number | null>>(
    `SELECT sum(counted_nano) AS counted, sum(reported_nano) AS reported, (SELECT sum(cost_nano) FROM usage_day) AS split FROM key_day`,
  );
  const known = Object.entries(sums).filter(([, nano]) => nano !== null);
  expect(known).toEqual(known.map(([name]) => [name, wanted]));
}

/** What it costs to forget, in steady state: each week the rows of a week lose their hours, and those of another are deleted. */
async function measureCleanup(): Promise<string[]> {
  await clearDatabase();
  const load = createLoadWorld(START);
  const { config } = load.deps;
  const keys = await addOwnKeys(load, 100, 10);
  const weeks = [config.retentionDays, config.hourlyRetentionDays].map((days) => Date.parse(addDays(dayOf(START), -days)) - 7 * DAY_MS);
  for (const from of weeks) {
    for (let day = 0; day < 7; day++) {
      await load.query(
        `INSERT INTO key_day (user_id, day, upstream_key_id, counted_nano, counted_byok_nano, hours, source)
          SELECT user_id, ?1, id, 1, 0, '{"1":[1,0]}', 'counters' FROM upstream_key`,
        dayOf(startOfDay(dayOf(from + day * DAY_MS))),
      );
    }
  }
  await load.ringAt(CRONS.cleanup, START);
  return ['the cleanup, a ledger row that came of age', ...costCells(divideCost(load.takeCosts().all, keys.length * 7))];
}

describe('a day', () => {
  it('by the way keys are read and the hours in which they spend', async () => {
    const byMessage: string[][] = [];
    const byKey: string[][] = [];
    for (const shape of SHAPES) {
      for (const busyHours of BUSY_HOURS) {
        const byName = await measureDay(shape, busyHours);
        for (const [name, cost] of byName) byMessage.push([shape.name, figure(busyHours), name, ...costCells(cost)]);
        const all = [...byName.values()].reduce(addCosts, NO_COST);
        byKey.push([shape.name, figure(busyHours), ...costCells(divideCost(all, shape.keys))]);
      }
    }
    const perRow = await measureCleanup();
    const head = ['Keys', 'Busy hours'];
    console.log(
      [
        table([...head, 'Message', ...COST_HEAD], byMessage, 3),
        table([...head, ...COST_HEAD], byKey, 2),
        table(['What', ...COST_HEAD], [perRow]),
      ].join('\n\n'),
    );
  });
});
