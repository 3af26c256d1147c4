/** SQL of questions about the ledger, and of what the counters write into it. */
import { eq, getTableColumns, type SQL, sql } from 'drizzle-orm';
import { askedOften, type Db, runBatch, selectPlain, statement } from '../db.ts';
import type { DayAmounts } from './ledger.ts';
import type { PlainCounters, StoredUsage } from './stored-row.ts';
import { checkDay, counterDay, modelName, usageDay } from './table.ts';

const parseHours = (hours: string | null): DayAmounts['hours'] => (hours === null ? {} : JSON.parse(hours));

const formatHours = (hours: DayAmounts['hours']): string | null => (Object.keys(hours).length > 0 ? JSON.stringify(hours) : null);

/**
 * UTC days to be read, both inclusive, and how finely: hours, models and providers are most of the bytes, and few questions need
 * them of every day.
 */
export interface AskedDays {
  from: string;
  to: string;
  /** What is read of hours: all that is measured, credits alone, or nothing. */
  hours: 'all' | 'credits' | 'none';
  /** The first day of which all that is read; a day before it is the sums of a key, without models, providers and hours. */
  detailFrom?: string;
}

const CREDIT_PATHS = sql.raw(Array.from({ length: 24 }, (_, hour) => `'$."${hour}"[0]'`).join(', '));

/** Hours as they are read: as they are stored, or a list of the credits of each. */
export function hoursOf({ hours }: typeof counterDay | typeof usageDay, asked: AskedDays['hours']): SQL {
  if (asked === 'all') return sql`${hours}`;
  return asked === 'none' ? sql`NULL` : sql`json_extract(${hours}, ${CREDIT_PATHS})`;
}

const [USER_ID, FROM, TO, DETAIL_FROM] = ['userId', 'from', 'to', 'detailFrom'].map((name) => sql.placeholder(name));

/** A question about days for each way of reading hours. */
const byHours = <T>(make: (hours: AskedDays['hours']) => T): Record<AskedDays['hours'], T> => ({
  all: make('all'),
  credits: make('credits'),
  none: make('none'),
});

const countersOf = byHours((hours) =>
  askedOften((db) => {
    const { userId, ...columns } = getTableColumns(counterDay);
    const wanted = sql`CASE WHEN ${columns.day} >= ${DETAIL_FROM} THEN ${hoursOf(counterDay, hours)} END`;
    const rest = sql`FROM ${counterDay} WHERE ${userId} = ${USER_ID} AND ${columns.day} BETWEEN ${FROM} AND ${TO}`;
    return selectPlain<PlainCounters>(db, { ...columns, hours: wanted }, rest);
  }),
);

/** Selects what the counters of a user's keys say of days. */
export const selectDays = (db: Db, userId: number, { from, to, detailFrom = from, hours }: AskedDays) =>
  countersOf[hours](db, { userId, from, to, detailFrom });

/** @param hasSums with the sums of days before those of which all is read: to add them up counts as a row written, so only where there are some */
const usageOf = (hours: AskedDays['hours'], hasSums: boolean) =>
  askedOften((db) => {
    const { userId, day, upstreamKeyId, model, provider, hours: _, ...amounts } = getTableColumns(usageDay);
    const ofUser = sql`FROM ${usageDay} WHERE ${userId} = ${USER_ID} AND ${day}`;
    const sums = Object.values(amounts).map((column) => sql`sum(${column})`);
    const sumsOf = sql.join([day, upstreamKeyId, sql`''`, sql`''`, ...sums, sql`NULL`], sql`, `);
    const before = sql`SELECT ${sumsOf} ${ofUser} >= ${FROM} AND ${day} < ${DETAIL_FROM} GROUP BY ${day}, ${upstreamKeyId}`;
    const fields = { day, upstreamKeyId, model, provider, ...amounts, hours: hoursOf(usageDay, hours) };
    return selectPlain<StoredUsage>(
      db,
      fields,
      sql`${ofUser} BETWEEN ${DETAIL_FROM} AND ${TO}${hasSums ? sql` UNION ALL ${before}` : sql``}`,
    );
  });
const detailedUsage = byHours((hours) => usageOf(hours, false));
const usageWithSums = byHours((hours) => usageOf(hours, true));

/** Selects what analytics say of a user's days. */
export const selectUsage = (db: Db, userId: number, { from, to, detailFrom = from, hours }: AskedDays) =>
  (detailFrom > from ? usageWithSums : detailedUsage)[hours](db, { userId, from, to, detailFrom });

const names = askedOften((db) =>
  db
    .select()
    .from(modelName)
    .where(eq(modelName.userId, sql.placeholder('userId'))),
);
/** Selects the names of the models that a user's keys used. */
export const selectNames = (db: Db, userId: number) => names(db, { userId });

const checks = askedOften((db) => {
  const { userId, day } = checkDay;
  const rest = sql`FROM ${checkDay} WHERE ${userId} = ${USER_ID} AND ${day} BETWEEN ${FROM} AND ${TO}`;
  return selectPlain<typeof checkDay.$inferSelect>(db, getTableColumns(checkDay), rest);
});
/** Selects what a user's completed days are checked against. */
export const selectChecks = (db: Db, userId: number, from: string, to: string) => checks(db, { userId, from, to });

/** Names one ledger row. */
export interface DayKey {
  userId: number;
  keyId: number;
  day: string;
}

/** Those of the named ledger rows that exist, for a job that works on keys of several users. */
export async function listNamedDaysAcrossUsers(db: Db, names: readonly DayKey[]): Promise<(DayKey & DayAmounts)[]> {
  if (names.length === 0) return [];
  const text = `SELECT d.* FROM json_each(?1) AS j JOIN counter_day AS d
    ON d.user_id = json_extract(j.value, '$.userId') AND d.day = json_extract(j.value, '$.day') AND d.api_key_id = json_extract(j.value, '$.keyId')`;
  const [rows = []] = await runBatch(db, [statement(db, text, JSON.stringify(names))]);
  return rows.map((row) => ({
    userId: Number(row['user_id']),
    keyId: Number(row['api_key_id']),
    day: String(row['day']),
    costNano: Number(row['cost_nano']),
    byokCostNano: Number(row['byok_cost_nano']),
    correctionNano: Number(row['correction_nano']),
    byokCorrectionNano: Number(row['byok_correction_nano']),
    isEstimated: row['is_estimated'] === 1,
    hours: parseHours(row['hours'] as string | null),
  }));
}

/** A ledger row to be set, if its key still stands at the sample from which the row was computed. */
export interface DayWrite extends DayKey, DayAmounts {
  keyHash: string;
  textVersion: number;
  baseSampleAt: number | null;
}

/**
 * Sets ledger rows computed from a sample. A key that is gone, was replaced, or has another last sample by now is passed over;
 * a row that would not change is not written. Belongs in one batch before the statement that moves the key's sample.
 */
export function setDaysStatementAcrossUsers(db: Db, writes: readonly DayWrite[]): D1PreparedStatement {
  const text = `INSERT INTO counter_day (user_id, day, api_key_id, cost_nano, byok_cost_nano, correction_nano, byok_correction_nano, is_estimated, hours)
    SELECT k.user_id, json_extract(j.value, '$.day'), k.id, json_extract(j.value, '$.costNano'), json_extract(j.value, '$.byokCostNano'),
      json_extract(j.value, '$.correctionNano'), json_extract(j.value, '$.byokCorrectionNano'), json_extract(j.value, '$.isEstimated'), json_extract(j.value, '$.hours')
    FROM json_each(?1) AS j JOIN api_key AS k ON k.id = json_extract(j.value, '$.keyId')
    WHERE k.hash = json_extract(j.value, '$.keyHash') AND k.text_version = json_extract(j.value, '$.textVersion') AND k.last_sample_at IS json_extract(j.value, '$.baseSampleAt')
    ON CONFLICT (user_id, day, api_key_id) DO UPDATE SET cost_nano = excluded.cost_nano, byok_cost_nano = excluded.byok_cost_nano,
      correction_nano = excluded.correction_nano, byok_correction_nano = excluded.byok_correction_nano, is_estimated = excluded.is_estimated, hours = excluded.hours
    WHERE (counter_day.cost_nano, counter_day.byok_cost_nano, counter_day.correction_nano, counter_day.byok_correction_nano, counter_day.is_estimated, counter_day.hours)
      IS NOT (excluded.cost_nano, excluded.byok_cost_nano, excluded.correction_nano, excluded.byok_correction_nano, excluded.is_estimated, excluded.hours)`;
  return statement(db, text, JSON.stringify(writes.map((write) => ({ ...write, hours: formatHours(write.hours) }))));
}
