/**
 * How long the statements of 0012_ledger.sql take for an account of 100 keys and a year, on a file: D1 stops a statement after 30 seconds.
 * `node bench/migration.ts`
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { addDays } from '../src/lib/day.ts';
import { figure, table } from './cost.ts';

const MIGRATIONS = join(import.meta.dirname, '../migrations');
const MIGRATION = '0012_ledger.sql';
const BREAKPOINT = '--> statement-breakpoint';
const KEYS = 100;
const DAYS = 365;
const MODELS = 3;
const BUSY_HOURS = 8;
/** Days of which hours are kept: as by default, and all of them. */
const HOURLY_DAYS = [92, DAYS];
const FIRST_DAY = '2025-11-16';
const MANAGEMENT = KEYS + 1;
const SLOWEST = 8;

/** What each key spends of a model in an hour, and the account beside its keys. */
const AMOUNTS = [1_234_567_891, 0, 12, 123_456, 12_345, 1234, 54_321];
const times = (count: number): number[] => AMOUNTS.map((amount) => amount * count);
const hoursOf = (amounts: readonly number[]): string =>
  JSON.stringify(Object.fromEntries(Array.from({ length: BUSY_HOURS }, (_, index) => [9 + index, amounts])));

/** The account as the migrations before leave it. */
function fill(database: DatabaseSync, hourlyDays: number): void {
  const ids = Array.from({ length: KEYS }, (_, index) => index + 1);
  const hashOf = (id: number): string => String(id).padStart(64, '0');
  const [from, to] = [addDays(FIRST_DAY, 0), addDays(FIRST_DAY, DAYS)];
  database.exec("INSERT INTO user (id, email, password_hash, created_at) VALUES (1, 'a@example.org', '-', 0)");
  const key = database.prepare(
    "INSERT INTO api_key (id, user_id, kind, name, hash, label, health, created_at, series_started_at, last_sample_at) VALUES (?, 1, ?, 'k', ?, 'l', 'active', 0, ?, ?)",
  );
  const upstream = database.prepare(
    `INSERT INTO upstream_key (id, user_id, hash, api_key_id, management_id, account, created_at, read_at, done_from, open_from)
      VALUES (?, 1, ?, ?, ${MANAGEMENT}, 'account', 0, ?, '${from}', '${to}')`,
  );
  for (const id of ids) key.run(id, 'discovered', hashOf(id), Date.parse(from), Date.parse(to));
  key.run(MANAGEMENT, 'management', hashOf(MANAGEMENT), null, null);
  database.exec(`INSERT INTO management (api_key_id, user_id) VALUES (${MANAGEMENT}, 1)`);
  for (const id of ids) upstream.run(id, hashOf(id), id, Date.parse(to));
  upstream.run(MANAGEMENT, null, MANAGEMENT, Date.parse(to));
  const counted = database.prepare('INSERT INTO counter_day VALUES (1, ?, ?, ?, ?, 0, 0, 0, 0, ?)');
  const used = database.prepare("INSERT INTO usage_day VALUES (1, ?, ?, ?, 'provider', ?, ?, ?, ?, ?, ?, ?, ?)");
  const checked = database.prepare('INSERT INTO check_day VALUES (1, ?, ?, ?, 0, ?, ?)');
  const daily = times(BUSY_HOURS);
  const [nano = 0] = daily;
  for (let index = 0; index < DAYS; index++) {
    const day = addDays(FIRST_DAY, index);
    const isHourly = index >= DAYS - hourlyDays;
    for (const id of [...ids, MANAGEMENT])
      for (let model = 0; model < MODELS; model++) used.run(day, id, `model ${model}`, ...daily, isHourly ? hoursOf(AMOUNTS) : null);
    for (const id of ids) counted.run(day, id, hashOf(id), nano * MODELS, isHourly ? hoursOf([(nano * MODELS) / BUSY_HOURS, 0]) : null);
    for (const id of ids) checked.run(day, id, nano * MODELS, null, null);
    checked.run(day, MANAGEMENT, nano * MODELS * (KEYS + 1), nano * MODELS * (KEYS + 1), 0);
  }
}

/** Each statement with its seconds, the slowest first. */
function timeStatements(database: DatabaseSync): { text: string; seconds: number }[] {
  const statements = readFileSync(join(MIGRATIONS, MIGRATION), 'utf8').split(BREAKPOINT);
  const timed = statements.map((text) => {
    const began = performance.now();
    database.exec(text);
    return { text: text.replace(/^\s*(?:--.*\n)*\s*/, ''), seconds: (performance.now() - began) / 1000 };
  });
  return timed.sort((a, b) => b.seconds - a.seconds);
}

function measure(hourlyDays: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'openrouter-monitor-migration-'));
  try {
    const database = new DatabaseSync(join(folder, 'before.sqlite'));
    const names = readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql') && name < MIGRATION);
    for (const name of names.sort()) database.exec(readFileSync(join(MIGRATIONS, name), 'utf8'));
    database.exec('BEGIN');
    fill(database, hourlyDays);
    database.exec('COMMIT');
    const timed = timeStatements(database);
    const [row = {}] = database.prepare('SELECT (SELECT count(*) FROM key_day) AS days, (SELECT open_from FROM account) AS open').all();
    if (row['days'] !== KEYS * DAYS || row['open'] !== addDays(FIRST_DAY, DAYS))
      throw new Error(`The ledger is another one: ${JSON.stringify(row)}`);
    database.close();
    const all = timed.reduce((sum, { seconds }) => sum + seconds, 0);
    const rows = timed.slice(0, SLOWEST).map(({ text, seconds }) => [text.replaceAll(/\s+/g, ' ').slice(0, 60), figure(seconds)]);
    return `Hours of ${hourlyDays} days, ${figure(all)} s in all:\n\n${table(['Statement', 'Seconds'], rows)}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const hourlyDays of HOURLY_DAYS) console.log(`${measure(hourlyDays)}\n`);
