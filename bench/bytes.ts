/**
 * What a key's ledger takes in the database when it is as long as it gets: a year of days, the last 92 with their hours, their sums where there
 * are enough rows for sums (as if its user looked at the whole year in another zone than UTC), its share of the total of its account, and the
 * runs of a month. Each day is written as the jobs write it, an hour after the other, each week the hours beyond their retention are forgotten,
 * and nothing is packed afterwards. The key's own rows, about 1 kB, are not in it.
 * `node bench/bytes.ts`
 */
import type { DatabaseSync } from 'node:sqlite';
import { KEYS_A_MESSAGE } from '../src/jobs/model.ts';
import { addDays } from '../src/lib/day.ts';
import { localDaySplitHour, sumDay } from '../src/usage/rollup/build.ts';
import { type CountedDay, type NamedUsage, toLedgerRow } from '../src/usage/sources/stored-row.ts';
import { MODELS, PROVIDERS } from '../test/support/openrouter/catalog.ts';
import { createRandom } from '../test/support/random.ts';
import { openMigrated } from '../test/support/sqlite-d1.ts';
import { figure, table } from './cost.ts';

const KEYS = 60;
const DAYS = 365;
/** HOURLY_RETENTION_DAYS, and up to a week until the cleanup comes. */
const HOURLY_DAYS = 99;
/** The retention of runs, and up to a week until the cleanup comes. */
const JOB_RUN_DAYS = 37;
const RINGS_A_DAY = 25;
const FIRST_DAY = '2025-11-16';
/** Pairs of a model and a provider that one key uses in a day, each in every busy hour. */
const PAIRS_A_KEY = 3;

const random = createRandom(1);
const upTo = (most: number): number => Math.floor(random() * most) + 1;

const COUNTERS = `INSERT INTO key_day (user_id, day, upstream_key_id, counted_nano, counted_byok_nano, hours, source)
  VALUES (?1, ?2, ?3, ?4, 0, ?5, 'counters') ON CONFLICT DO UPDATE SET counted_nano = excluded.counted_nano, hours = excluded.hours`;
const splitOf = (table: string) => `INSERT INTO ${table} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
  ON CONFLICT DO UPDATE SET cost_nano = excluded.cost_nano, hours = excluded.hours`;
const REPORTED = `UPDATE key_day SET (reported_nano, reported_byok_nano, source) = (SELECT sum(d.cost_nano), sum(d.byok_cost_nano), 'analytics'
    FROM usage_day AS d WHERE d.user_id = key_day.user_id AND d.day = key_day.day AND d.upstream_key_id = key_day.upstream_key_id)
  WHERE user_id = ?1 AND day = ?2 AND upstream_key_id = ?3`;
const RUN = `INSERT INTO job_run VALUES ('sync', ?1, ?2, ?3, ?3, ?3, '{"attempts":1,"read":20}', NULL)`;
const CHECK = 'UPDATE key_day SET activity_nano = ?4, activity_byok_nano = 0 WHERE user_id = ?1 AND day = ?2 AND upstream_key_id = ?3';
const ACCOUNT_CHECK = 'INSERT INTO account_check VALUES (?1, ?2, ?1, ?3, 0)';

const SPLIT = 'model, provider, cost_nano, byok_cost_nano, requests, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens';
const COLUMNS_BESIDE_HOURS: Record<string, string> = {
  key_day: `user_id, day, upstream_key_id, counted_nano, counted_byok_nano, correction_nano, correction_byok_nano, is_estimated, reported_nano,
    reported_byok_nano, activity_nano, activity_byok_nano, source`,
  usage_day: `user_id, day, upstream_key_id, ${SPLIT}`,
  account_day: `user_id, day, account_id, ${SPLIT}`,
};

/** Hours of a UTC day in which a key spends: working hours first. */
const hoursOf = (busy: number): number[] => Array.from({ length: busy }, (_, index) => (9 + index) % 24).sort((a, b) => a - b);

/** Keys of one kind, and in how many hours of each day they spend. */
interface Shape {
  keysAUser: number;
  busy: number;
  hasAnalytics: boolean;
}

type Keys = readonly { userId: number; keyId: number }[];

function writeCounters(database: DatabaseSync, day: string, keys: Keys, busy: number): void {
  const set = database.prepare(COUNTERS);
  const known = keys.map(() => ({ total: 0, hours: {} as Record<number, number[]> }));
  for (const hour of hoursOf(busy)) {
    for (const [index, { userId, keyId }] of keys.entries()) {
      const row = known[index] ?? { total: 0, hours: {} };
      const cost = upTo(2e9);
      row.total += cost;
      row.hours[hour] = [cost, 0];
      set.run(userId, day, keyId, row.total, JSON.stringify(row.hours));
    }
  }
}

const addUp = (all: readonly number[][]): number[] => all.reduce((sum, values) => sum.map((value, index) => value + (values[index] ?? 0)));

const amounts = (): number[] => [upTo(2e9), 0, upTo(20), upTo(100_000), upTo(10_000), upTo(5000), upTo(50_000)];

interface Split {
  userId: number;
  model: string;
  provider: string;
  hours: Record<number, number[]>;
}

/** The total of each user's account, as it is read when the day is over, and what `/activity` says of it. */
function writeAccounts(database: DatabaseSync, day: string, rows: readonly Split[]): void {
  const [set, check] = [database.prepare(splitOf('account_day')), database.prepare(ACCOUNT_CHECK)];
  for (const same of Map.groupBy(rows, ({ userId, model, provider }) => `${userId} ${model} ${provider}`).values()) {
    const { userId, model, provider, hours: first } = same[0] as Split;
    const hours = Object.fromEntries(Object.keys(first).map((hour) => [hour, addUp(same.map(({ hours }) => hours[Number(hour)] ?? []))]));
    set.run(userId, day, userId, model, provider, ...addUp(Object.values(hours)), JSON.stringify(hours));
  }
  for (const userId of new Set(rows.map((row) => row.userId))) check.run(userId, day, upTo(2e11));
}

function writeAnalytics(database: DatabaseSync, day: string, keys: Keys, busy: number): void {
  const [set, report] = [database.prepare(splitOf('usage_day')), database.prepare(REPORTED)];
  const rows = keys.flatMap((key) =>
    Array.from({ length: PAIRS_A_KEY }, (_, pair) => ({
      ...key,
      model: MODELS[(key.keyId + pair) % MODELS.length]?.permaslug ?? '',
      provider: PROVIDERS[(key.keyId + pair) % PROVIDERS.length] ?? '',
      hours: {} as Record<number, number[]>,
    })),
  );
  for (const hour of hoursOf(busy)) {
    for (const { userId, keyId, model, provider, hours } of rows) {
      hours[hour] = amounts();
      set.run(userId, day, keyId, model, provider, ...addUp(Object.values(hours)), JSON.stringify(hours));
    }
    for (const { userId, keyId } of keys) report.run(userId, day, keyId);
  }
  writeAccounts(database, day, rows);
  const check = database.prepare(CHECK);
  for (const { userId, keyId } of keys) check.run(userId, day, keyId, upTo(2e10));
}

/** The parts of a day's hourly runs and of its validation, and the end of those that are a month old. */
function writeRuns(database: DatabaseSync, day: string): void {
  const insert = database.prepare(RUN);
  for (let ring = 0; ring < RINGS_A_DAY; ring++) {
    const slot = `${day}T${String(ring).padStart(2, '0')}:03:00.000Z`;
    for (let part = 0; part < KEYS / KEYS_A_MESSAGE; part++) insert.run(slot, 1_000_000_000 + part, Date.parse(day));
  }
  database.prepare('DELETE FROM job_run WHERE slot < ?').run(addDays(day, -JOB_RUN_DAYS));
}

/** How hours are forgotten: by writing the rows anew, as the cleanup does, which lets pages merge, or in place, which leaves pages as they are. */
const FORGET = {
  inPlace: (name: string) => `UPDATE ${name} SET hours = NULL WHERE day < ?1 AND hours IS NOT NULL`,
  anew: (name: string) =>
    `REPLACE INTO ${name} (${COLUMNS_BESIDE_HOURS[name]}) SELECT ${COLUMNS_BESIDE_HOURS[name]} FROM ${name} WHERE day < ?1 AND hours IS NOT NULL`,
};

/** A year, with the cleanup of each week. */
function fill(database: DatabaseSync, { keysAUser, busy, hasAnalytics }: Shape, how: keyof typeof FORGET): void {
  const keys = Array.from({ length: KEYS }, (_, index) => ({ userId: 1 + Math.floor(index / keysAUser), keyId: index + 1 }));
  for (let index = 0; index < DAYS; index++) {
    const day = addDays(FIRST_DAY, index);
    database.exec('BEGIN');
    writeRuns(database, day);
    writeCounters(database, day, keys, busy);
    if (hasAnalytics) writeAnalytics(database, day, keys, busy);
    for (const name of index % 7 === 0 ? Object.keys(COLUMNS_BESIDE_HOURS) : [])
      database.prepare(FORGET[how](name)).run(addDays(day, -HOURLY_DAYS));
    if (hasAnalytics && index > 0) writeSums(database, addDays(day, -1), keys);
    database.exec('COMMIT');
  }
  // The cleanup's writing has ended the sums of days without hours; they are made again when they are looked at.
  database.exec('BEGIN');
  for (let index = 0; hasAnalytics && index < DAYS; index++) writeSums(database, addDays(FIRST_DAY, index), keys);
  database.exec('COMMIT');
}

const ZONE = 'America/New_York';
const SUM = 'REPLACE INTO day_sum VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)';

const toCamelCase = (row: object) =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()), value]));

/** The sum of a day of each user: of analytics where there are any. The sources agree. */
function writeSums(database: DatabaseSync, day: string, keys: Keys): void {
  const [set, cut] = [database.prepare(SUM), localDaySplitHour(day, ZONE)];
  const rowsOf = (name: string, userId: number) =>
    database
      .prepare(`SELECT *, upstream_key_id AS key_id FROM ${name} WHERE user_id = ? AND day = ?`)
      .all(userId, day)
      .map(toCamelCase) as unknown[];
  for (const userId of new Set(keys.map((key) => key.userId))) {
    const usage = (rowsOf('usage_day', userId) as NamedUsage[]).map((row) => ({ ...row, slug: row.model }));
    const rows = (usage.length > 0 ? usage : (rowsOf('key_day', userId) as CountedDay[])).map(toLedgerRow);
    const { spent, keys, models, providers, credits, drift } = sumDay(rows, [], cut);
    set.run(userId, day, cut, ...[spent, keys, models, providers, credits, drift].map((part) => JSON.stringify(part)));
  }
}

/** Bytes of the pages of tables, of one key. */
function bytesAKey(database: DatabaseSync, names: readonly string[]): number {
  const text = 'SELECT sum(pgsize) AS bytes FROM dbstat WHERE name IN (SELECT value FROM json_each(?))';
  return Number(database.prepare(text).get(JSON.stringify(names))?.['bytes'] ?? 0) / KEYS;
}

const LEDGER = ['key_day', 'usage_day', 'account_day', 'account_check', 'day_sum', 'job_run'];

/** Bytes of a key's year: by table, all together, the same had hours been forgotten in place, and of days without any hours. */
function measure(shape: Shape): string[] {
  const [database, inPlace] = [openMigrated(':memory:'), openMigrated(':memory:')];
  fill(database, shape, 'anew');
  fill(inPlace, shape, 'inPlace');
  const sizes = [...LEDGER.map((name) => bytesAKey(database, [name])), bytesAKey(database, LEDGER), bytesAKey(inPlace, LEDGER)];
  const forget = Object.keys(COLUMNS_BESIDE_HOURS).map((name) => `UPDATE ${name} SET hours = NULL`);
  database.exec(`${forget.join('; ')}; DELETE FROM day_sum; VACUUM`);
  return [
    `${shape.hasAnalytics ? `behind a management key, ${PAIRS_A_KEY} models` : 'own'}, ${shape.keysAUser} a user`,
    ...[shape.busy, ...sizes, bytesAKey(database, LEDGER)].map((value) => figure(Math.round(value))),
  ];
}

const KINDS = [
  { keysAUser: 10, hasAnalytics: false },
  { keysAUser: 1, hasAnalytics: false },
  { keysAUser: 10, hasAnalytics: true },
];
const rows = KINDS.flatMap((kind) => [8, 24].map((busy) => measure({ ...kind, busy })));
const head = ['Key', 'Busy hours', ...LEDGER, 'Together', 'Were hours forgotten in place', 'Were there no hours'];
console.log(`Bytes of one key after a year:\n\n${table(head, rows)}`);
