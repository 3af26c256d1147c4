/** Data to measure with: a user whose account has so many keys, each of which spent on every day of a year. */
import { createSecretToken, hashSecretToken, TOKEN_PREFIX, visiblePrefix } from '../src/crypto/secret-token.ts';
import { DAY_MS, dayOf } from '../src/lib/day.ts';

export const DAYS = 365;
/** Hours are kept of so many days, and of each day so many are busy. */
const HOURLY_DAYS = 92;
const BUSY_HOURS = 8;
const MODELS = ['anthropic/claude-sonnet-4.5', 'google/gemini-2.5-pro', 'openai/gpt-4.1'];
const ROWS_A_STATEMENT = 5000;

type Row = readonly (string | number | null)[];

/** Amounts without a pattern that compresses: nano-dollars, BYOK, requests, and tokens of four kinds. */
function amountsOf(seed: number): number[] {
  const base = (seed * 2_654_435_761) % 1_000_003;
  return [base * 1009, 0, 1 + (base % 7), 400 + (base % 9973), 90 + (base % 1009), base % 401, base % 211];
}

const addUp = (all: readonly number[][]): number[] => all.reduce((sum, one) => sum.map((value, index) => value + (one[index] ?? 0)));

/** A day of a key and model: its sums, and its busy hours as far as they are kept. */
function cellOf(key: number, model: number, daysAgo: number): { sums: number[]; hours: string | null } {
  const hours = Array.from({ length: BUSY_HOURS }, (_, index) => [
    9 + index,
    amountsOf(key * 7919 + model * 104_729 + daysAgo * 31 + index),
  ]);
  return {
    sums: addUp(hours.map(([, amounts]) => amounts as number[])),
    hours: daysAgo < HOURLY_DAYS ? JSON.stringify(Object.fromEntries(hours)) : null,
  };
}

async function insert(db: D1Database, table: string, columns: string, rows: readonly Row[]): Promise<void> {
  const fields = columns.split(',').map((_, index) => `json_extract(value, '$[${index}]')`);
  for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) {
    const text = `INSERT INTO ${table} (${columns}) SELECT ${fields.join(', ')} FROM json_each(?)`;
    await db
      .prepare(text)
      .bind(JSON.stringify(rows.slice(start, start + ROWS_A_STATEMENT)))
      .run();
  }
}

const hex = (number: number): string => number.toString(16).padStart(64, '0');

const SPENT = 'cost_nano,byok_cost_nano,requests,prompt_tokens,completion_tokens,reasoning_tokens,cached_tokens,hours';
const UPSTREAM = [
  'id,user_id,hash,api_key_id,account_id,workspace_id,name,created_at',
  'series_started_at,last_sample_at,sampled_nano,sampled_daily_nano,sampled_byok_nano,sampled_byok_daily_nano',
  'counted_at,usage_nano,usage_daily_nano,byok_usage_nano,byok_usage_daily_nano',
  'read_usage_nano,read_byok_usage_nano,is_settled,read_at,done_from,open_from',
].join();

/** The rows of one key: as the monitor knows it, as OpenRouter does, and what it spent. */
function rowsOf(userId: number, managementId: number, index: number, now: number) {
  const id = managementId + 1 + index;
  const createdAt = now - (DAYS + 10) * DAY_MS;
  const cells = Array.from({ length: DAYS }, (_, daysAgo) =>
    MODELS.map((model, number) => ({ day: dayOf(now - daysAgo * DAY_MS), model, ...cellOf(index, number, daysAgo) })),
  );
  const total = cells.flat().reduce((sum, { sums }) => sum + (sums[0] ?? 0), 0);
  const counters = [total, 0, 0, 0];
  const isRead = [total, 0, 1, now, dayOf(createdAt), dayOf(now)];
  const name = `key ${index}`;
  return {
    key: [id, userId, 'discovered', name, hex(id), 'sk-or-v1-abc...xyz', 'active', createdAt],
    upstream: [id, userId, hex(id), id, managementId, 'default', name, createdAt, createdAt, now, ...counters, now, ...counters, ...isRead],
    cells: cells.flat(),
    usage: cells.flat().map(({ day, model, sums, hours }): Row => [userId, day, id, model, 'provider', ...sums, hours]),
    days: cells.map((ofDay): Row => {
      const [nano = 0] = addUp(ofDay.map((cell) => cell.sums));
      return [userId, ofDay[0]?.day ?? '', id, nano, 0, nano, 0, 'analytics'];
    }),
  };
}

type Cell = ReturnType<typeof rowsOf>['cells'][number];

/** What keys spent together by the hour. */
function addUpHours(all: readonly Record<string, number[]>[]): Record<string, number[]> {
  const names = new Set(all.flatMap(Object.keys));
  return Object.fromEntries([...names].map((hour) => [hour, addUp(all.flatMap((hours) => [hours[hour] ?? []]))]));
}

/** The total of an account on completed days: what its keys spent, and nothing else. */
function totalsOf(userId: number, accountId: number, cells: readonly Cell[], now: number): Row[] {
  const completed = cells.filter(({ day }) => day < dayOf(now));
  return [...Map.groupBy(completed, ({ day, model }) => `${day} ${model}`).values()].map((same): Row => {
    const { day, model } = same[0] as Cell;
    const hours = same.flatMap((cell) => (cell.hours === null ? [] : [JSON.parse(cell.hours)]));
    const sums = addUp(same.map((cell) => cell.sums));
    return [userId, day, accountId, model, 'provider', ...sums, hours.length > 0 ? JSON.stringify(addUpHours(hours)) : null];
  });
}

export interface Reader {
  userId: number;
  sessionId: number;
  apiToken: string;
}

/** Adds a user with a management key and `keys` keys behind it. */
export async function addReader(db: D1Database, userId: number, keys: number, now: number): Promise<Reader> {
  const managementId = userId * 1000;
  const apiToken = createSecretToken(TOKEN_PREFIX.api);
  const all = Array.from({ length: keys }, (_, index) => rowsOf(userId, managementId, index, now));
  await insert(db, 'user', 'id,email,password_hash,created_at', [[userId, `reader${userId}@example.org`, 'none', now]]);
  await insert(db, 'session', 'id,user_id,created_at,expires_at', [[userId, userId, now, now + 30 * DAY_MS]]);
  const token = [userId, 'bench', await hashSecretToken(apiToken), visiblePrefix(apiToken), now, now + DAY_MS];
  await insert(db, 'api_token', 'user_id,name,token_hash,prefix,created_at,last_used_at', [token]);
  const since = now - DAYS * DAY_MS;
  await insert(db, 'api_key', 'id,user_id,kind,name,hash,label,health,created_at', [
    [managementId, userId, 'management', 'account', hex(managementId), 'sk-or-v1-abc...xyz', 'active', since],
    ...all.map(({ key }) => key),
  ]);
  await insert(db, 'management', 'api_key_id,user_id,account_id,listed_at', [[managementId, userId, managementId, now]]);
  await insert(db, 'account', 'id,user_id,anchor,reader_id,total_credits_nano,total_usage_nano,listed_at,done_from,open_from', [
    [managementId, userId, 'default', managementId, 1e12, 1e11, now, dayOf(now - (DAYS + 10) * DAY_MS), dayOf(now)],
  ]);
  await insert(
    db,
    'model_name',
    'user_id,permaslug,slug',
    MODELS.map((model) => [userId, model, model]),
  );
  await insert(db, 'upstream_key', 'id,user_id,hash,api_key_id,created_at', [[managementId, userId, hex(managementId), managementId, 0]]);
  await insert(
    db,
    'upstream_key',
    UPSTREAM,
    all.map(({ upstream }) => upstream),
  );
  await insert(
    db,
    'key_day',
    'user_id,day,upstream_key_id,counted_nano,counted_byok_nano,reported_nano,reported_byok_nano,source',
    all.flatMap(({ days }) => days),
  );
  await insert(
    db,
    'usage_day',
    `user_id,day,upstream_key_id,model,provider,${SPENT}`,
    all.flatMap(({ usage }) => usage),
  );
  const totals = totalsOf(
    userId,
    managementId,
    all.flatMap(({ cells }) => cells),
    now,
  );
  await insert(db, 'account_day', `user_id,day,account_id,model,provider,${SPENT}`, totals);
  return { userId, sessionId: userId, apiToken };
}
