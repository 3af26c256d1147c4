/** SQL that writes what analytics and `/activity` say. All rows of a statement travel as one JSON parameter. */
import { type Db, runBatch, statement } from '../db.ts';
import type { ModelName } from '../openrouter/account.ts';
import type { Check, UsageCell } from './cells.ts';

/** Names the rows of a day of a key as OpenRouter knows it. */
interface UsageDayKey {
  userId: number;
  upstreamKeyId: number;
  day: string;
}

/** The reading from which rows were computed: they are written only if no other was applied since. */
export interface ReadBase {
  upstreamKeyId: number;
  readVersion: number;
}

const COLUMNS = [
  'cost_nano',
  'byok_cost_nano',
  'requests',
  'prompt_tokens',
  'completion_tokens',
  'reasoning_tokens',
  'cached_tokens',
  'hours',
] as const;

const toCell = (row: Record<string, unknown>): UsageCell => ({
  day: String(row['day']),
  model: String(row['model']),
  provider: String(row['provider']),
  total: COLUMNS.slice(0, 7).map((name) => row[name] as number | null),
  hours: row['hours'] === null ? null : JSON.parse(String(row['hours'])),
});

/** The stored rows of named days, by upstream key. */
export async function listUsageOfDaysAcrossUsers(db: Db, days: readonly UsageDayKey[]): Promise<Map<number, UsageCell[]>> {
  const cells = new Map<number, UsageCell[]>();
  if (days.length === 0) return cells;
  const text = `SELECT d.* FROM json_each(?1) AS j CROSS JOIN usage_day AS d ON d.user_id = json_extract(j.value, '$[0]')
    AND d.day = json_extract(j.value, '$[1]') AND d.upstream_key_id = json_extract(j.value, '$[2]')`;
  const names = days.map(({ userId, day, upstreamKeyId }) => [userId, day, upstreamKeyId]);
  const [rows = []] = await runBatch(db, [statement(db, text, JSON.stringify(names))]);
  for (const row of rows) {
    const id = Number(row['upstream_key_id']);
    const known = cells.get(id) ?? [];
    known.push(toCell(row));
    cells.set(id, known);
  }
  return cells;
}

/** Still at the reading from which row `j` was computed? */
const IS_AT_BASE = `u.id = json_extract(j.value, '$[0]') AND u.read_version = json_extract(j.value, '$[1]')`;

/** Sets rows of keys that still stand at their base. */
export function setUsageStatementAcrossUsers(db: Db, rows: readonly (ReadBase & UsageCell)[]): D1PreparedStatement {
  const values = COLUMNS.map((_, index) => `json_extract(j.value, '$[${index + 5}]')`);
  const text = `INSERT INTO usage_day (user_id, upstream_key_id, day, model, provider, ${COLUMNS.join(', ')})
    SELECT u.user_id, u.id, json_extract(j.value, '$[2]'), json_extract(j.value, '$[3]'), json_extract(j.value, '$[4]'), ${values.join(', ')}
    FROM json_each(?1) AS j CROSS JOIN upstream_key AS u ON ${IS_AT_BASE} WHERE true
    ON CONFLICT (user_id, day, upstream_key_id, model, provider) DO UPDATE SET ${COLUMNS.map((name) => `${name} = excluded.${name}`).join(', ')}`;
  const packed = rows.map((row) => [
    row.upstreamKeyId,
    row.readVersion,
    row.day,
    row.model,
    row.provider,
    ...Array.from({ length: 7 }, (_, index) => row.total[index] ?? null),
    row.hours === null ? null : JSON.stringify(row.hours),
  ]);
  return statement(db, text, JSON.stringify(packed));
}

/** Deletes rows of keys that still stand at their base: a day was read again, and they are in it no more. */
export function dropUsageStatementAcrossUsers(
  db: Db,
  rows: readonly (ReadBase & Pick<UsageCell, 'day' | 'model' | 'provider'>)[],
): D1PreparedStatement {
  const text = `DELETE FROM usage_day WHERE (user_id, day, upstream_key_id, model, provider) IN (
    SELECT u.user_id, json_extract(j.value, '$[2]'), u.id, json_extract(j.value, '$[3]'), json_extract(j.value, '$[4]')
    FROM json_each(?1) AS j CROSS JOIN upstream_key AS u ON ${IS_AT_BASE})`;
  const packed = rows.map(({ upstreamKeyId, readVersion, day, model, provider }) => [upstreamKeyId, readVersion, day, model, provider]);
  return statement(db, text, JSON.stringify(packed));
}

const SUMS =
  'sum(d.cost_nano), sum(d.byok_cost_nano), sum(d.requests), sum(d.prompt_tokens), sum(d.completion_tokens), sum(d.reasoning_tokens), iif(count(d.cached_tokens) = count(*), sum(d.cached_tokens), NULL)';
const HOUR_SUMS = Array.from({ length: 7 }, (_, index) => `sum(json_extract(h.value, '$[${index}]'))`).join(', ');

/**
 * What the ledger has of these keys, `from` to `to` inclusive, by day, model and provider; hours where all of them know hours. Where
 * the counters speak for a day of one of them, that is the part of which neither model nor provider is known.
 */
export async function sumUsage(db: Db, userId: number, upstreamKeyIds: readonly number[], from: string, to: string): Promise<UsageCell[]> {
  const ids = 'SELECT value FROM json_each(?2)';
  const where = `d.user_id = ?1 AND d.day BETWEEN ?3 AND ?4 AND d.upstream_key_id IN (${ids})`;
  const totals = `SELECT d.day, d.model, d.provider, json_array(${SUMS}) AS sums, max(d.hours IS NULL) AS is_without_hours
    FROM usage_day AS d WHERE ${where} GROUP BY d.day, d.model, d.provider`;
  const hours = `SELECT d.day, d.model, d.provider, h.key AS hour, json_array(${HOUR_SUMS}) AS sums
    FROM usage_day AS d CROSS JOIN json_each(d.hours) AS h WHERE ${where} AND d.hours IS NOT NULL GROUP BY d.day, d.model, d.provider, h.key`;
  const counted = `SELECT c.day, '' AS model, '' AS provider, json_array(sum(c.cost_nano), sum(c.byok_cost_nano)) AS sums, 1 AS is_without_hours
    FROM counter_day AS c CROSS JOIN upstream_key AS u ON u.user_id = c.user_id AND u.hash = c.hash
    WHERE c.user_id = ?1 AND c.day BETWEEN ?3 AND ?4 AND NOT c.is_estimated AND +u.id IN (${ids})
      AND NOT EXISTS (SELECT 1 FROM usage_day AS d WHERE d.user_id = ?1 AND d.day = c.day AND d.upstream_key_id = u.id)
    GROUP BY c.day HAVING sum(c.cost_nano) <> 0 OR sum(c.byok_cost_nano) <> 0`;
  const values = [userId, JSON.stringify(upstreamKeyIds), from, to] as const;
  const [rows = [], hourRows = [], countedRows = []] = await runBatch(
    db,
    [totals, hours, counted].map((text) => statement(db, text, ...values)),
  );
  const nameOf = (row: Record<string, unknown>) => JSON.stringify([row['day'], row['model'], row['provider']]);
  const byName = new Map<string, Record<number, number[]>>();
  for (const row of hourRows) {
    const known = byName.get(nameOf(row)) ?? {};
    known[Number(row['hour'])] = JSON.parse(String(row['sums']));
    byName.set(nameOf(row), known);
  }
  return [...rows, ...countedRows].map(
    (row): UsageCell => ({
      day: String(row['day']),
      model: String(row['model']),
      provider: String(row['provider']),
      total: JSON.parse(String(row['sums'])),
      hours: row['is_without_hours'] === 1 ? null : (byName.get(nameOf(row)) ?? null),
    }),
  );
}

/** Sets what one of the two says of days, leaving alone what the other says. A row that would not change is not written. */
export function setChecksStatement(
  db: Db,
  userId: number,
  source: 'activity' | 'account',
  checks: readonly (Check & { upstreamKeyId: number })[],
): D1PreparedStatement {
  const [cost, byok] = [`${source}_cost_nano`, `${source}_byok_cost_nano`];
  const text = `INSERT INTO check_day (user_id, day, upstream_key_id, ${cost}, ${byok})
    SELECT u.user_id, json_extract(j.value, '$.day'), u.id, json_extract(j.value, '$.costNano'), json_extract(j.value, '$.byokCostNano')
    FROM json_each(?2) AS j CROSS JOIN upstream_key AS u ON u.user_id = ?1 AND u.id = json_extract(j.value, '$.upstreamKeyId') WHERE true
    ON CONFLICT (user_id, day, upstream_key_id) DO UPDATE SET ${cost} = excluded.${cost}, ${byok} = excluded.${byok}
    WHERE (check_day.${cost}, check_day.${byok}) IS NOT (excluded.${cost}, excluded.${byok})`;
  return statement(db, text, userId, JSON.stringify(checks));
}

/** Notes that a user's keys used these models (permaslugs), whose names for people are not known yet. */
export const noteModelsStatement = (db: Db, userId: number, permaslugs: readonly string[]): D1PreparedStatement =>
  statement(
    db,
    `INSERT INTO model_name (user_id, permaslug) SELECT ?1, value FROM json_each(?2) WHERE EXISTS (SELECT 1 FROM user WHERE id = ?1)
      ON CONFLICT DO NOTHING`,
    userId,
    JSON.stringify(permaslugs),
  );

/** Names those of the models that the user's keys used. */
export const nameModelsStatement = (db: Db, userId: number, names: readonly ModelName[]): D1PreparedStatement =>
  statement(
    db,
    `UPDATE model_name SET slug = json_extract(j.value, '$.slug') FROM json_each(?2) AS j
      WHERE model_name.user_id = ?1 AND model_name.permaslug = json_extract(j.value, '$.permaslug')
        AND model_name.slug IS NOT json_extract(j.value, '$.slug')`,
    userId,
    JSON.stringify(names),
  );

/** Did a user's keys use models whose names for people are not known? */
export async function hasUnnamedModels(db: Db, userId: number): Promise<boolean> {
  const [rows = []] = await runBatch(db, [statement(db, 'SELECT 1 FROM model_name WHERE user_id = ? AND slug IS NULL LIMIT 1', userId)]);
  return rows.length > 0;
}
