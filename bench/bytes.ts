/**
 * What a key's ledger takes in the database when it is as long as it gets: a year of days, the last 92 with their hours, their sums where there
 * are enough rows for sums (as if its user looked at the whole year in another zone than UTC), and the runs of a month. Each day is written as
 * the jobs write it, an hour after the other, each week the hours beyond their retention are forgotten, and nothing is packed afterwards. The
 * key's own row, about 1 kB, is not in it.
 * `node bench/bytes.ts`
 */
import type { DatabaseSync } from 'node:sqlite';
import { KEYS_A_MESSAGE } from '../src/jobs/model.ts';
import { addDays } from '../src/lib/day.ts';
import { createSecrets } from '../src/usage/secrets.ts';
import { nameUsage, toCounters, toLedgerRow } from '../src/usage/stored-row.ts';
import { cutOf, sumDay } from '../src/usage/sums.ts';
import { key, secretOf } from '../test/support/ledger-rows.ts';
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

/** As `COUNTERS` writes it. */
const hashOf = (keyId: number): string => String(keyId).padStart(64, '0');

const COUNTERS = `INSERT INTO counter_day VALUES (?1, ?2, ?3, printf('%064d', ?3), ?4, 0, 0, 0, 0, ?5)
  ON CONFLICT DO UPDATE SET cost_nano = excluded.cost_nano, hours = excluded.hours`;
const ANALYTICS = `INSERT INTO usage_day VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
  ON CONFLICT DO UPDATE SET cost_nano = excluded.cost_nano, hours = excluded.hours`;
const RUN = `INSERT INTO job_run VALUES ('sync', ?1, ?2, ?3, ?3, ?3, '{"attempts":1,"read":20}', NULL)`;
const CHECK = 'INSERT INTO check_day VALUES (?1, ?2, ?3, ?4, 0, NULL, NULL)';

const COLUMNS_BEFORE_HOURS: Record<string, string> = {
  counter_day: 'user_id, day, api_key_id, hash, cost_nano, byok_cost_nano, correction_nano, byok_correction_nano, is_estimated',
  usage_day: `user_id, day, upstream_key_id, model, provider, cost_nano, byok_cost_nano, requests, prompt_tokens, completion_tokens,
    reasoning_tokens, cached_tokens`,
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

const amounts = (): number[] => [upTo(2e9), 0, upTo(20), upTo(100_000), upTo(10_000), upTo(5000), upTo(50_000)];

function writeAnalytics(database: DatabaseSync, day: string, keys: Keys, busy: number): void {
  const set = database.prepare(ANALYTICS);
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
      const total = Object.values(hours).reduce((sum, values) => sum.map((value, index) => value + (values[index] ?? 0)));
      set.run(userId, day, keyId, model, provider, ...total, JSON.stringify(hours));
    }
  }
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
    `REPLACE INTO ${name} SELECT ${COLUMNS_BEFORE_HOURS[name]}, NULL FROM ${name} WHERE day < ?1 AND hours IS NOT NULL`,
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
    for (const name of index % 7 === 0 ? Object.keys(COLUMNS_BEFORE_HOURS) : [])
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
const SUM = 'REPLACE INTO day_sum VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)';

const toCamelCase = (row: object) =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()), value]));

/** The sum of a day of each user: of analytics where there are any. */
function writeSums(database: DatabaseSync, day: string, keys: Keys): void {
  const [set, cut] = [database.prepare(SUM), cutOf(day, ZONE)];
  const rowsOf = (name: string, userId: number) =>
    database.prepare(`SELECT * FROM ${name} WHERE user_id = ? AND day = ?`).all(userId, day).map(toCamelCase) as never[];
  const owners = keys.map(({ keyId }) => ({ id: keyId, apiKeyId: keyId }));
  const secrets = createSecrets(
    keys.map(({ keyId: id }) => ({ ...key(id, null, null), secrets: [secretOf(id, { hash: hashOf(id), upstreamKeyId: id })] })),
  );
  for (const userId of new Set(keys.map((key) => key.userId))) {
    const counters = toCounters(rowsOf('counter_day', userId));
    const usage = nameUsage(rowsOf('usage_day', userId), owners, []);
    const rows = (usage.length > 0 ? usage : counters).map(toLedgerRow);
    const sum = sumDay({ day, secrets, rows, counters, usage, checks: rowsOf('check_day', userId) }, cut);
    const { spent, keys, models, providers, credits, said, unsure, checks } = sum;
    set.run(userId, day, cut, ...[spent, keys, models, providers, credits, said, unsure, checks].map((part) => JSON.stringify(part)));
  }
}

/** Bytes of the pages of tables, of one key. */
function bytesAKey(database: DatabaseSync, names: readonly string[]): number {
  const text = 'SELECT sum(pgsize) AS bytes FROM dbstat WHERE name IN (SELECT value FROM json_each(?))';
  return Number(database.prepare(text).get(JSON.stringify(names))?.['bytes'] ?? 0) / KEYS;
}

const LEDGER = ['counter_day', 'usage_day', 'check_day', 'day_sum', 'job_run'];

/** Bytes of a key's year: by table, all together, the same had hours been forgotten in place, and of days without any hours. */
function measure(shape: Shape): string[] {
  const [database, inPlace] = [openMigrated(':memory:'), openMigrated(':memory:')];
  fill(database, shape, 'anew');
  fill(inPlace, shape, 'inPlace');
  const sizes = [...LEDGER.map((name) => bytesAKey(database, [name])), bytesAKey(database, LEDGER), bytesAKey(inPlace, LEDGER)];
  database.exec('UPDATE counter_day SET hours = NULL; UPDATE usage_day SET hours = NULL; DELETE FROM day_sum; VACUUM');
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
