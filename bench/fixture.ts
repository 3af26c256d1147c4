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

/** The rows of one key: as the monitor knows it, as OpenRouter does, and what it spent. */
function rowsOf(userId: number, managementId: number, index: number, now: number) {
  const id = managementId + 1 + index;
  const createdAt = now - (DAYS + 10) * DAY_MS;
  const cells = Array.from({ length: DAYS }, (_, daysAgo) =>
    MODELS.map((model, number) => ({ day: dayOf(now - daysAgo * DAY_MS), model, ...cellOf(index, number, daysAgo) })),
  );
  const total = cells.flat().reduce((sum, { sums }) => sum + (sums[0] ?? 0), 0);
  const sample = [createdAt, now, now, total, 0, 0, 0];
  return {
    key: [id, userId, 'discovered', `key ${index}`, hex(id), 'sk-or-v1-abc...xyz', 'active', createdAt, ...sample],
    upstream: [
      id,
      userId,
      hex(id),
      id,
      managementId,
      'account',
      'default',
      `key ${index}`,
      createdAt,
      now,
      total,
      0,
      0,
      0,
      total,
      0,
      1,
      now,
      dayOf(createdAt),
      dayOf(now),
    ],
    usage: cells.flat().map(({ day, model, sums, hours }): Row => [userId, day, id, model, 'provider', ...sums, hours]),
    counters: cells.map((ofDay): Row => {
      const sums = addUp(ofDay.map((cell) => cell.sums));
      return [userId, ofDay[0]?.day ?? '', id, hex(id), sums[0] ?? 0, 0, 0, 0, 0, null];
    }),
  };
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
  await insert(db, 'api_key', 'id,user_id,kind,name,hash,label,health,created_at', [
    [managementId, userId, 'management', 'account', hex(managementId), 'sk-or-v1-abc...xyz', 'active', now - DAYS * DAY_MS],
  ]);
  const balance = [managementId, userId, 1e12, 1e11, now, now];
  await insert(db, 'management', 'api_key_id,user_id,total_credits_nano,total_usage_nano,listed_at,complete_at', [balance]);
  await insert(
    db,
    'model_name',
    'user_id,permaslug,slug',
    MODELS.map((model) => [userId, model, model]),
  );
  const sample = 'known_since,known_until,last_sample_at,usage_nano,usage_daily_nano,byok_usage_nano,byok_usage_daily_nano';
  await insert(
    db,
    'api_key',
    `id,user_id,kind,name,hash,label,health,created_at,${sample}`,
    all.map(({ key }) => key),
  );
  const counted = 'counted_at,usage_nano,usage_daily_nano,byok_usage_nano,byok_usage_daily_nano';
  const read = 'read_usage_nano,read_byok_usage_nano,is_settled,read_at,done_from,open_from';
  const upstream = `id,user_id,hash,api_key_id,management_id,account,workspace_id,name,created_at,${counted},${read}`;
  await insert(
    db,
    'upstream_key',
    upstream,
    all.map((one) => one.upstream),
  );
  const measures = 'cost_nano,byok_cost_nano,requests,prompt_tokens,completion_tokens,reasoning_tokens,cached_tokens,hours';
  await insert(
    db,
    'usage_day',
    `user_id,day,upstream_key_id,model,provider,${measures}`,
    all.flatMap(({ usage }) => usage),
  );
  const counters = 'user_id,day,api_key_id,hash,cost_nano,byok_cost_nano,correction_nano,byok_correction_nano,is_estimated,hours';
  await insert(
    db,
    'counter_day',
    counters,
    all.flatMap((one) => one.counters),
  );
  return { userId, sessionId: userId, apiToken };
}
