/** SQL of questions about the ledger, and of what the counters write into it. */
import { eq, getTableColumns, type SQL, sql } from 'drizzle-orm';
import { askedOften, type Db, jsonField, type Question, runBatch, selectPlain, statement } from '../../db.ts';
import type { DayAmounts } from '../booking/counters.ts';
import type { Since } from '../rollup/build.ts';
import type { SettledSpan, Span } from '../rollup/plan.ts';
import { accountCheck, accountDay, daySum, keyDay, modelName, usageDay } from '../table.ts';
import type { StoredCheck, StoredKeyDay, StoredTotal, StoredUsage } from './stored-row.ts';

const parseHours = (hours: string | null): DayAmounts['hours'] => (hours === null ? {} : JSON.parse(hours));

const formatHours = (hours: DayAmounts['hours']): string | null => (Object.keys(hours).length > 0 ? JSON.stringify(hours) : null);

/** What is to be read of UTC days. */
export interface AskedDays {
  spans: readonly (Span | SettledSpan)[];
  /** What is read of hours, which are most of the bytes: all that is measured, credits alone, or nothing. */
  hours: 'all' | 'credits' | 'none';
  /** Days whose sums are read, as far as there are some, and since which UTC day each part of them is; a part that is not named never is. */
  summed?: { span: Span; since: Since };
}

const CREDIT_PATHS = sql.raw(Array.from({ length: 24 }, (_, hour) => `'$."${hour}"[0]'`).join(', '));

/** Tables of days, by the hour too. */
type HourlyTable = typeof keyDay | typeof usageDay | typeof accountDay;

/** Hours as they are read: as they are stored, or a list of the credits of each. */
export function hoursOf({ hours }: HourlyTable, asked: AskedDays['hours']): SQL {
  if (asked === 'all') return sql`${hours}`;
  return asked === 'none' ? sql`NULL` : sql`json_extract(${hours}, ${CREDIT_PATHS})`;
}

const [USER_ID, SPANS] = ['userId', 'spans'].map((name) => sql.placeholder(name));

/** Has the day that stands at a place of the span a sum that is parted at the hour beside it (in UTC, at any)? */
const hasSum = (place: number): SQL =>
  sql`EXISTS (SELECT 1 FROM ${daySum} WHERE ${daySum.userId} = ${USER_ID} AND ${daySum.day} = span.value ->> ${sql.raw(String(place))}
    AND span.value ->> ${sql.raw(String(place + 1))} IN (0, ${daySum.cut}))`;

/** The rows of a user in some spans of days, in settled ones only if their first or last day has no sum. */
const inSpans = (table: HourlyTable | typeof accountCheck): SQL =>
  sql`FROM json_each(${SPANS}) AS span CROSS JOIN ${table}
    ON ${table.userId} = ${USER_ID} AND ${table.day} BETWEEN span.value ->> 0 AND span.value ->> 1
    WHERE span.value ->> 2 IS NULL OR NOT (${hasSum(2)} AND ${hasSum(4)})`;

/** Asks for the rows of a table, with more or less of their hours. */
function rowsOf<Row>(table: HourlyTable): (db: Db, userId: number, days: AskedDays) => Question<Row[]> {
  const { userId: _, ...columns } = getTableColumns(table as typeof usageDay);
  const ask = (hours: AskedDays['hours']) =>
    askedOften((db) => selectPlain<Row>(db, { ...columns, hours: hoursOf(table, hours) }, inSpans(table)));
  const questions = { all: ask('all'), credits: ask('credits'), none: ask('none') };
  return (db, userId, { spans, hours }) => questions[hours](db, { userId, spans: JSON.stringify(spans) });
}

/** Selects what the sources say of the days of a user's upstream keys. */
export const selectKeyDays = rowsOf<StoredKeyDay>(keyDay);
/** Selects how analytics split a user's days. */
export const selectUsage = rowsOf<StoredUsage>(usageDay);
/** Selects what the accounts of a user spent in all. */
export const selectTotals = rowsOf<StoredTotal>(accountDay);

const checks = askedOften((db) => {
  const { userId: _, ...columns } = getTableColumns(accountCheck);
  return selectPlain<StoredCheck>(db, columns, inSpans(accountCheck));
});
/** Selects what `/activity` says of the accounts of a user. */
export const selectChecks = (db: Db, userId: number, { spans }: AskedDays) => checks(db, { userId, spans: JSON.stringify(spans) });

const names = askedOften((db) =>
  db
    .select()
    .from(modelName)
    .where(eq(modelName.userId, sql.placeholder('userId'))),
);
/** Selects the names of the models that a user's keys used. */
export const selectNames = (db: Db, userId: number) => names(db, { userId });

/** Names a day of an upstream key. */
export interface DayKey {
  userId: number;
  upstreamKeyId: number;
  day: string;
}

/** What was counted of the named days, for a job that works on keys of several users. */
export async function listCountedDaysAcrossUsers(db: Db, names: readonly DayKey[]): Promise<(DayKey & DayAmounts)[]> {
  if (names.length === 0) return [];
  const text = `SELECT d.* FROM json_each(?1) AS j CROSS JOIN key_day AS d
    ON d.user_id = ${jsonField('userId')} AND d.day = ${jsonField('day')} AND d.upstream_key_id = ${jsonField('upstreamKeyId')}
    WHERE d.counted_nano IS NOT NULL`;
  const [rows = []] = await runBatch(db, [statement(db, text, JSON.stringify(names))]);
  return rows.map((row) => ({
    userId: Number(row['user_id']),
    upstreamKeyId: Number(row['upstream_key_id']),
    day: String(row['day']),
    costNano: Number(row['counted_nano']),
    byokCostNano: Number(row['counted_byok_nano']),
    correctionNano: Number(row['correction_nano']),
    byokCorrectionNano: Number(row['correction_byok_nano']),
    isEstimated: row['is_estimated'] === 1,
    hours: parseHours(row['hours'] as string | null),
  }));
}

/** A day to be set, if its upstream key still stands at the sample from which it was computed. */
export interface DayWrite extends DayKey, DayAmounts {
  baseSampleAt: number | null;
}

const COUNTED = {
  counted_nano: jsonField('costNano'),
  counted_byok_nano: jsonField('byokCostNano'),
  correction_nano: jsonField('correctionNano'),
  correction_byok_nano: jsonField('byokCorrectionNano'),
  is_estimated: jsonField('isEstimated'),
  hours: jsonField('hours'),
};

/**
 * Sets what was counted of days, computed from a sample. An upstream key that is gone, or has another last sample by now, is passed over; a row that
 * would not change is not written. Belongs in one batch before the statement that moves the sample.
 */
export function setCountedStatementAcrossUsers(db: Db, writes: readonly DayWrite[]): D1PreparedStatement {
  const names = Object.keys(COUNTED);
  const of = (table: string) => names.map((name) => `${table}.${name}`).join(', ');
  const text = `INSERT INTO key_day (user_id, day, upstream_key_id, ${names})
    SELECT u.user_id, ${jsonField('day')}, u.id, ${Object.values(COUNTED)}
    FROM json_each(?1) AS j CROSS JOIN upstream_key AS u ON u.id = ${jsonField('upstreamKeyId')} AND u.last_sample_at IS ${jsonField('baseSampleAt')} WHERE true
    ON CONFLICT (user_id, day, upstream_key_id) DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`)}
    WHERE (${of('key_day')}) IS NOT (${of('excluded')})`;
  return statement(db, text, JSON.stringify(writes.map((write) => ({ ...write, hours: formatHours(write.hours) }))));
}
