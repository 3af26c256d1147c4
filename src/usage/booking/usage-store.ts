/** SQL that writes what analytics and `/activity` say. All rows of a statement travel as one JSON parameter. */
import { type Db, jsonField, rowsOf, statement } from '../../db.ts';
import type { ModelName } from '../../openrouter/account.ts';
import type { Check, UsageCell } from './cells.ts';

/** What analytics tell of: upstream keys, or accounts as a whole. Their tables are alike. */
const OWNERS = {
  upstream_key: { days: 'usage_day', id: 'upstream_key_id', checks: 'key_day' },
  account: { days: 'account_day', id: 'account_id', checks: 'account_check' },
} as const;
export type Owner = keyof typeof OWNERS;

/** Names a day of one of them. */
interface OwnedDay {
  userId: number;
  id: number;
  day: string;
}

/** The reading from which rows were computed: they are written only if no other was applied since. */
export interface ReadBase {
  id: number;
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

/** The stored rows of named days, by whose they are. */
export async function listDaysAcrossUsers(db: Db, owner: Owner, names: readonly OwnedDay[]): Promise<Map<number, UsageCell[]>> {
  const cells = new Map<number, UsageCell[]>();
  if (names.length === 0) return cells;
  const { days, id } = OWNERS[owner];
  const text = `SELECT d.* FROM json_each(:names) AS j CROSS JOIN ${days} AS d
    ON d.user_id = ${jsonField('userId')} AND d.day = ${jsonField('day')} AND d.${id} = ${jsonField('id')}`;
  for (const row of await rowsOf<Record<string, unknown>>(db, statement(db, text, { names: JSON.stringify(names) }))) {
    const known = cells.get(Number(row[id])) ?? [];
    known.push(toCell(row));
    cells.set(Number(row[id]), known);
  }
  return cells;
}

/** Still at the reading from which row `j` was computed? */
const IS_AT_BASE = `u.id = json_extract(j.value, '$[0]') AND u.read_version = json_extract(j.value, '$[1]')`;

/** Sets rows of those that still stand at their base. */
export function setDaysStatementAcrossUsers(db: Db, owner: Owner, rows: readonly (ReadBase & UsageCell)[]): D1PreparedStatement {
  const { days, id } = OWNERS[owner];
  const values = COLUMNS.map((_, index) => `json_extract(j.value, '$[${index + 5}]')`);
  const text = `INSERT INTO ${days} (user_id, ${id}, day, model, provider, ${COLUMNS.join(', ')})
    SELECT u.user_id, u.id, json_extract(j.value, '$[2]'), json_extract(j.value, '$[3]'), json_extract(j.value, '$[4]'), ${values.join(', ')}
    FROM json_each(:rows) AS j CROSS JOIN ${owner} AS u ON ${IS_AT_BASE} WHERE true
    ON CONFLICT (user_id, day, ${id}, model, provider) DO UPDATE SET ${COLUMNS.map((name) => `${name} = excluded.${name}`).join(', ')}`;
  const packed = rows.map((row) => [
    row.id,
    row.readVersion,
    row.day,
    row.model,
    row.provider,
    ...Array.from({ length: 7 }, (_, index) => row.total[index] ?? null),
    row.hours === null ? null : JSON.stringify(row.hours),
  ]);
  return statement(db, text, { rows: JSON.stringify(packed) });
}

/** Deletes rows of those that still stand at their base: a day was read again, and they are in it no more. */
export function dropDaysStatementAcrossUsers(
  db: Db,
  owner: Owner,
  rows: readonly (ReadBase & Pick<UsageCell, 'day' | 'model' | 'provider'>)[],
): D1PreparedStatement {
  const { days, id } = OWNERS[owner];
  const text = `DELETE FROM ${days} WHERE (user_id, day, ${id}, model, provider) IN (
    SELECT u.user_id, json_extract(j.value, '$[2]'), u.id, json_extract(j.value, '$[3]'), json_extract(j.value, '$[4]')
    FROM json_each(:rows) AS j CROSS JOIN ${owner} AS u ON ${IS_AT_BASE})`;
  const packed = rows.map((row) => [row.id, row.readVersion, row.day, row.model, row.provider]);
  return statement(db, text, { rows: JSON.stringify(packed) });
}

/** Sets what analytics say in all of days of upstream keys whose rows were set or deleted. */
export function setReportedStatementAcrossUsers(db: Db, days: readonly { id: number; day: string }[]): D1PreparedStatement {
  const sumOf = (column: string) =>
    `(SELECT sum(${column}) FROM usage_day AS d WHERE d.user_id = u.user_id AND d.day = ${jsonField('day')} AND d.upstream_key_id = u.id)`;
  const text = `INSERT INTO key_day (user_id, day, upstream_key_id, reported_nano, reported_byok_nano)
    SELECT u.user_id, ${jsonField('day')}, u.id, ${sumOf('cost_nano')}, ${sumOf('byok_cost_nano')}
    FROM json_each(:days) AS j CROSS JOIN upstream_key AS u ON u.id = ${jsonField('id')} WHERE true
    ON CONFLICT (user_id, day, upstream_key_id) DO UPDATE SET reported_nano = excluded.reported_nano, reported_byok_nano = excluded.reported_byok_nano
    WHERE (key_day.reported_nano, key_day.reported_byok_nano) IS NOT (excluded.reported_nano, excluded.reported_byok_nano)`;
  return statement(db, text, { days: JSON.stringify(days) });
}

/** Sets what `/activity` says of days. A row that would not change is not written. */
export function setChecksStatement(db: Db, userId: number, owner: Owner, checks: readonly (Check & { id: number })[]): D1PreparedStatement {
  const { checks: table, id } = OWNERS[owner];
  const text = `INSERT INTO ${table} (user_id, day, ${id}, activity_nano, activity_byok_nano)
    SELECT u.user_id, ${jsonField('day')}, u.id, ${jsonField('costNano')}, ${jsonField('byokCostNano')}
    FROM json_each(:checks) AS j CROSS JOIN ${owner} AS u ON u.user_id = :userId AND u.id = ${jsonField('id')} WHERE true
    ON CONFLICT (user_id, day, ${id}) DO UPDATE SET activity_nano = excluded.activity_nano, activity_byok_nano = excluded.activity_byok_nano
    WHERE (${table}.activity_nano, ${table}.activity_byok_nano) IS NOT (excluded.activity_nano, excluded.activity_byok_nano)`;
  return statement(db, text, { userId, checks: JSON.stringify(checks) });
}

/** Notes that a user's keys used these models (permaslugs), whose names for people are not known yet. */
export const noteModelsStatement = (db: Db, userId: number, permaslugs: readonly string[]): D1PreparedStatement =>
  statement(
    db,
    `INSERT INTO model_name (user_id, permaslug) SELECT :userId, value FROM json_each(:permaslugs) WHERE EXISTS (SELECT 1 FROM user WHERE id = :userId)
      ON CONFLICT DO NOTHING`,
    { userId, permaslugs: JSON.stringify(permaslugs) },
  );

/** Names those of the models that the user's keys used. */
export const nameModelsStatement = (db: Db, userId: number, names: readonly ModelName[]): D1PreparedStatement =>
  statement(
    db,
    `UPDATE model_name SET slug = json_extract(j.value, '$.slug') FROM json_each(:names) AS j
      WHERE model_name.user_id = :userId AND model_name.permaslug = json_extract(j.value, '$.permaslug')
        AND model_name.slug IS NOT json_extract(j.value, '$.slug')`,
    { userId, names: JSON.stringify(names) },
  );

/** Did a user's keys use models whose names for people are not known? */
export async function hasUnnamedModels(db: Db, userId: number): Promise<boolean> {
  const text = 'SELECT 1 FROM model_name WHERE user_id = :userId AND slug IS NULL LIMIT 1';
  return (await rowsOf(db, statement(db, text, { userId }))).length > 0;
}
