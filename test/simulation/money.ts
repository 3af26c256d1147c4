/** The ledger against what the simulator really charged, to the nano-dollar. */
import { addDays, DAY_MS, dayOf, MINUTE_MS, startOfDay } from '../../src/lib/day.ts';
import { nanoFromUsd } from '../../src/lib/money.ts';
import { sha256Hex } from '../../src/lib/sha256.ts';
import type { Simulator } from '../support/openrouter/simulator.ts';
import { type Person, simulatorOf } from './people.ts';
import { violated } from './violation.ts';
import type { World } from './world.ts';

interface Money {
  nano: number;
  byokNano: number;
}

/** Where the series of a secret stands that a key has or had. */
interface SeriesRow {
  id: number;
  hash: string;
  series_started_at: number;
  sampled_nano: number;
  sampled_byok_nano: number;
}

const SERIES = `SELECT id, hash, series_started_at, sampled_nano, sampled_byok_nano FROM upstream_key
  WHERE user_id = ? AND series_started_at IS NOT NULL ORDER BY id`;

const sumsBy = (column: string): string =>
  `SELECT u.${column} AS id, total(c.counted_nano) AS nano, total(c.counted_byok_nano) AS byokNano FROM key_day AS c
    JOIN upstream_key AS u ON u.id = c.upstream_key_id WHERE c.user_id = ? GROUP BY u.${column}`;

/** A first answer that was asked for this shortly before midnight may hold the counters of the next day, one after it may lack some of the last. */
const MIDNIGHT_MS = MINUTE_MS;

const textsByHash = async ({ texts }: Person): Promise<Map<string, string>> =>
  new Map(await Promise.all([...texts].map(async (text) => [await sha256Hex(text), text] as const)));

/** What a text spent before the day of its first sample: of that the counters say nothing. */
function spentBefore(person: Person, text: string, startedAt: number): Money {
  return simulatorOf(person, text).spentBetween(text, 0, startOfDay(dayOf(startedAt)));
}

const isAtMidnight = (at: number): boolean => dayOf(at - MIDNIGHT_MS) !== dayOf(at + MIDNIGHT_MS);

/**
 * What the counters of a secret have booked is what it spent from the day of its first sample to its last one. This holds at any time, whatever
 * failed.
 */
export async function expectSeriesTruth({ d1 }: World, person: Person): Promise<void> {
  const texts = await textsByHash(person);
  const sums = new Map(d1.ask<Money & { id: number }>(sumsBy('id'), person.id).map((row) => [row.id, row]));
  for (const { id, hash, series_started_at: startedAt, ...stands } of d1.ask<SeriesRow>(SERIES, person.id)) {
    const before = spentBefore(person, texts.get(hash) ?? violated(`upstream key ${id} is of nobody`), startedAt);
    if (isAtMidnight(startedAt)) continue;
    const [wanted, wantedByok] = [stands.sampled_nano - before.nano, stands.sampled_byok_nano - before.byokNano];
    const { nano, byokNano } = sums.get(id) ?? { nano: 0, byokNano: 0 };
    if (nano !== wanted || byokNano !== wantedByok)
      violated(`counters of upstream key ${id} of ${person.mark}: ${nano} + ${byokNano} BYOK instead of ${wanted} + ${wantedByok}`);
  }
}

interface Told {
  cost_usd: number | null;
  byok_cost_usd: number | null;
}

interface Stats {
  by_day: (Told & { date: string })[];
  by_key: (Told & { key_id: number })[];
  drift: object[];
}

const nanoOf = (usd: number | null): number => nanoFromUsd(usd ?? 0);

async function readStats(world: World, { session }: Person, to: string): Promise<Stats> {
  const { status, body } = await world.call('GET', `/api/v1/stats?from=${addDays(to, -60)}&to=${to}`, { token: session });
  if (status !== 200) violated(`the statistics were answered with ${status} although everything is quiet`);
  return body as Stats;
}

/** The same is told by what days were summed up meanwhile, whatever happened since, as by their rows. */
export async function expectSumsTruth(world: World, person: Person): Promise<void> {
  const today = dayOf(world.clock.now());
  const fromSums = await readStats(world, person, today);
  world.d1.ask('DELETE FROM day_sum WHERE user_id = ? RETURNING day', person.id);
  const fromRows = await readStats(world, person, today);
  const isSameDay = dayOf(world.clock.now()) === today;
  if (isSameDay && JSON.stringify(fromSums) !== JSON.stringify(fromRows))
    violated(`sums of days tell ${person.mark} something else than their rows`);
}

/** What the statistics tell of each key of a user without a management key is what its counters booked, and those hold everything. */
export async function expectKeyTruth(world: World, person: Person): Promise<void> {
  const { by_key: keys } = await readStats(world, person, dayOf(world.clock.now()));
  const sums = new Map(world.d1.ask<Money & { id: number }>(sumsBy('api_key_id'), person.id).map((row) => [row.id, row]));
  for (const { key_id: id, cost_usd: cost, byok_cost_usd: byok } of keys) {
    const { nano, byokNano } = sums.get(id) ?? { nano: 0, byokNano: 0 };
    if (nanoOf(cost) !== nano || nanoOf(byok) !== byokNano)
      violated(`the statistics of key ${id} tell ${cost} + ${byok}, booked are ${nano} + ${byokNano}`);
  }
  const texts = await textsByHash(person);
  const alive = listAlive(person);
  const present = `SELECT k.id, u.hash, u.sampled_nano, u.sampled_byok_nano FROM api_key AS k
    JOIN upstream_key AS u ON u.user_id = k.user_id AND u.hash = k.hash WHERE k.user_id = ?`;
  for (const { id, hash, sampled_nano: nano, sampled_byok_nano: byokNano } of world.d1.ask<SeriesRow>(present, person.id)) {
    const text = texts.get(hash) ?? '';
    const real = simulatorOf(person, text).spentBetween(text, 0, world.clock.now());
    if (alive.has(text) && (nano !== real.nano || byokNano !== real.byokNano))
      violated(`key ${id} of ${person.mark} stands at ${nano} + ${byokNano} BYOK, OpenRouter charged ${real.nano} + ${real.byokNano}`);
  }
}

/** Secrets that OpenRouter still has. */
const listAlive = ({ simulator, second }: Person): Set<string> =>
  new Set([...simulator.keys(), ...second.simulator.keys()].map(({ text }) => text));

/** Does the monitor read the person's other account as a whole? */
async function isSecondRead({ d1 }: World, { id, second }: Person): Promise<boolean> {
  const hash = await sha256Hex(second.account.management);
  return d1.ask("SELECT 1 FROM api_key WHERE user_id = ? AND hash = ? AND kind = 'management'", id, hash).length > 0;
}

/** What the counters of the other account's secrets booked on each day: all that can be known of it without its management key. */
async function countedByDay({ d1 }: World, { id, second }: Person, to: string): Promise<(Money & { day: string })[]> {
  const hashes = await Promise.all(second.account.keys.map(sha256Hex));
  const text = `SELECT c.day, total(c.counted_nano) AS nano, total(c.counted_byok_nano) AS byokNano FROM key_day AS c
    JOIN upstream_key AS u ON u.id = c.upstream_key_id WHERE c.user_id = ?1 AND c.day <= ?2 AND u.hash IN (SELECT value FROM json_each(?3)) GROUP BY c.day`;
  return d1.ask<Money & { day: string }>(text, id, to, JSON.stringify(hashes));
}

/** What an account really spent on each day until `to` (inclusive). */
function spentByDay(simulator: Simulator, to: string, days = new Map<string, Money>()): Map<string, Money> {
  for (const [, spends] of simulator.allSpends()) {
    for (const { at, nano, byokNano } of spends) {
      const known = days.get(dayOf(at)) ?? { nano: 0, byokNano: 0 };
      if (dayOf(at) <= to) days.set(dayOf(at), { nano: known.nano + nano, byokNano: known.byokNano + byokNano });
    }
  }
  return days;
}

const differs = ({ cost_usd: cost, byok_cost_usd: byok }: Told, { nano, byokNano }: Money): string[] =>
  nanoOf(cost) === nano && nanoOf(byok) === byokNano ? [] : [`${nanoOf(cost)} + ${nanoOf(byok)} BYOK instead of ${nano} + ${byokNano}`];

/** Keys that have one text all their life, which OpenRouter still has. */
async function listPlainKeys({ d1 }: World, person: Person): Promise<Map<number, string>> {
  const texts = await textsByHash(person);
  const alive = listAlive(person);
  const text = `SELECT id, hash FROM api_key AS k WHERE user_id = ? AND kind <> 'management'
    AND NOT EXISTS (SELECT 1 FROM upstream_key AS u WHERE u.api_key_id = k.id AND u.hash <> k.hash)`;
  const rows = d1.ask<{ id: number; hash: string }>(text, person.id).map(({ id, hash }) => [id, texts.get(hash) ?? ''] as const);
  return new Map(rows.filter(([, own]) => alive.has(own)));
}

/**
 * The statistics of an account that is read as a whole tell what it spent on each completed day, with whatever key or with none, and what
 * each key spent that has its first text.
 */
export async function expectAccountTruth(world: World, person: Person): Promise<void> {
  const yesterday = addDays(dayOf(world.clock.now()), -1);
  const { by_day: days, by_key: keys, drift } = await readStats(world, person, yesterday);
  const real = spentByDay(person.simulator, yesterday);
  if (await isSecondRead(world, person)) spentByDay(person.second.simulator, yesterday, real);
  else
    for (const { day, nano, byokNano } of await countedByDay(world, person, yesterday)) {
      const known = real.get(day) ?? { nano: 0, byokNano: 0 };
      real.set(day, { nano: known.nano + nano, byokNano: known.byokNano + byokNano });
    }
  const plain = await listPlainKeys(world, person);
  const wrong = [
    ...days.flatMap((day) => differs(day, real.get(day.date) ?? { nano: 0, byokNano: 0 }).map((what) => `${day.date}: ${what}`)),
    ...keys.flatMap((key) => {
      const text = plain.get(key.key_id);
      const spent = text === undefined ? null : simulatorOf(person, text).spentBetween(text, 0, startOfDay(yesterday) + DAY_MS);
      return spent ? differs(key, spent).map((what) => `key ${key.key_id}: ${what}`) : [];
    }),
  ];
  if (!person.hasLostKeys && drift.length > 0) wrong.push(`sources differ although nothing does: ${JSON.stringify(drift)}`);
  if (wrong.length > 0) violated(`the statistics of ${person.mark} are wrong:\n  ${wrong.join('\n  ')}`);
}

interface AccountRow extends Money {
  reader: number;
  day: string;
}

/** What the ledger has of the keys of accounts, and what the accounts spent in all, by the management key that reads them. */
const OF_KEYS = `SELECT a.reader_id AS reader, d.day, sum(iif(d.source = 'analytics', d.reported_nano, d.counted_nano)) AS nano,
    sum(iif(d.source = 'analytics', d.reported_byok_nano, d.counted_byok_nano)) AS byokNano
  FROM key_day AS d JOIN upstream_key AS u ON u.id = d.upstream_key_id JOIN account AS a ON a.id = u.account_id
  WHERE d.user_id = ? AND d.source IS NOT NULL GROUP BY a.reader_id, d.day`;
const OF_ACCOUNTS = `SELECT a.reader_id AS reader, d.day, sum(d.cost_nano) AS nano, sum(d.byok_cost_nano) AS byokNano
  FROM account_day AS d JOIN account AS a ON a.id = d.account_id WHERE d.user_id = ? AND a.reader_id IS NOT NULL GROUP BY a.reader_id, d.day`;

/** On each settled day what the keys of an account spent and what is unattributed are its total. */
export async function expectUnattributedTruth(world: World, person: Person): Promise<void> {
  const today = dayOf(world.clock.now());
  const nameOf = ({ reader, day }: AccountRow): string => `${reader}/${day}`;
  const ofKeys = new Map(world.d1.ask<AccountRow>(OF_KEYS, person.id).map((row) => [nameOf(row), row]));
  const totals = new Map(world.d1.ask<AccountRow>(OF_ACCOUNTS, person.id).map((row) => [nameOf(row), row]));
  for (const reader of new Set([...totals.values()].map((row) => row.reader))) {
    const query = `key_id=${reader}&from=${addDays(today, -60)}&to=${today}&limit=1000`;
    const { body } = await world.call('GET', `/api/v1/reconciliation?${query}`, { token: person.session });
    for (const row of (body as { data: (Told & { date: string })[] }).data) {
      if (row.cost_usd === null) continue;
      const [total, keys] = [totals, ofKeys].map((rows) => rows.get(`${reader}/${row.date}`) ?? { nano: 0, byokNano: 0 }) as [Money, Money];
      const rest: Money = { nano: total.nano - keys.nano, byokNano: total.byokNano - keys.byokNano };
      const wanted = rest.nano < 0 || rest.byokNano < 0 ? { nano: 0, byokNano: 0 } : rest;
      for (const what of differs(row, wanted)) violated(`unattributed spend of ${person.mark} under key ${reader} on ${row.date}: ${what}`);
    }
  }
}
