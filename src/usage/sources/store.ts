/** SQL of questions about the ledger, and of what the counters write into it. */
import { type Column, getTableColumns, type SQL, sql } from 'drizzle-orm';
import { asStored, type Db, jsonField, prepareQuery, rowsOf, statement, USER_ID } from '../../db.ts';
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

const SPANS = sql.placeholder('spans');

/** Has the day that stands at a place of the span a sum that is parted at the hour beside it (in UTC, at any)? */
const hasSum = (place: number): SQL =>
  sql`EXISTS (SELECT 1 FROM ${daySum} WHERE ${daySum.userId} = ${USER_ID} AND ${daySum.day} = span.value ->> ${sql.raw(String(place))}
    AND span.value ->> ${sql.raw(String(place + 1))} IN (0, ${daySum.cut}))`;

/** The rows of a user in some spans of days, in settled ones only if their first or last day has no sum. */
const inSpans = (table: HourlyTable | typeof accountCheck): SQL =>
  sql`FROM json_each(${SPANS}) AS span CROSS JOIN ${table}
    ON ${table.userId} = ${USER_ID} AND ${table.day} BETWEEN span.value ->> 0 AND span.value ->> 1
    WHERE span.value ->> 2 IS NULL OR NOT (${hasSum(2)} AND ${hasSum(4)})`;

/** Selects the rows of a table, with more or less of their hours. */
function prepareDays<Row>(table: HourlyTable, columns: { [Name in keyof Row]: Column | SQL }) {
  const prepare = (hours: AskedDays['hours']) =>
    prepareQuery(() => ({ fields: asStored<Row>({ ...columns, hours: hoursOf(table, hours) }), rest: inSpans(table) }));
  const queries = { all: prepare('all'), credits: prepare('credits'), none: prepare('none') };
  return (db: Db, userId: number, { spans, hours }: AskedDays) => queries[hours](db, { userId, spans: JSON.stringify(spans) });
}

/** The columns of a table but for the user's. */
function columnsOf<T extends HourlyTable | typeof accountCheck>(table: T): Omit<T['_']['columns'], 'userId'> {
  const { userId: _, ...columns } = getTableColumns(table);
  return columns;
}

/** Selects what the sources say of the days of a user's upstream keys. */
export const selectKeyDays = prepareDays<StoredKeyDay>(keyDay, columnsOf(keyDay));
/** Selects how analytics split a user's days. */
export const selectUsage = prepareDays<StoredUsage>(usageDay, columnsOf(usageDay));
/** Selects what the accounts of a user spent in all. */
export const selectTotals = prepareDays<StoredTotal>(accountDay, columnsOf(accountDay));

const checks = prepareQuery(() => ({ fields: asStored<StoredCheck>(columnsOf(accountCheck)), rest: inSpans(accountCheck) }));
/** Selects what `/activity` says of the accounts of a user. */
export const selectChecks = (db: Db, userId: number, { spans }: AskedDays) => checks(db, { userId, spans: JSON.stringify(spans) });

const names = prepareQuery(() => ({
  fields: getTableColumns(modelName),
  rest: sql`FROM ${modelName} WHERE ${modelName.userId} = ${USER_ID}`,
}));
/** Selects the names of the models that a user's keys used. */
export const selectNames = (db: Db, userId: number) => names(db, { userId });

/** Names a day of an upstream key. */
export interface DayKey {
  userId: number;
  upstreamKeyId: number;
  day: string;
}

type CountedRow = DayKey & Omit<DayAmounts, 'isEstimated' | 'hours'> & { isEstimated: number; hours: string | null };

/** What was counted of the named days, for a job that works on keys of several users. */
export async function listCountedDaysAcrossUsers(db: Db, names: readonly DayKey[]): Promise<(DayKey & DayAmounts)[]> {
  if (names.length === 0) return [];
  const text = `SELECT d.user_id AS userId, d.upstream_key_id AS upstreamKeyId, d.day, d.counted_nano AS costNano, d.counted_byok_nano AS byokCostNano,
      d.correction_nano AS correctionNano, d.correction_byok_nano AS byokCorrectionNano, d.is_estimated AS isEstimated, d.hours
    FROM json_each(:names) AS j CROSS JOIN key_day AS d
    ON d.user_id = ${jsonField('userId')} AND d.day = ${jsonField('day')} AND d.upstream_key_id = ${jsonField('upstreamKeyId')}
    WHERE d.counted_nano IS NOT NULL`;
  const rows = await rowsOf<CountedRow>(db, statement(db, text, { names: JSON.stringify(names) }));
  return rows.map((row) => ({ ...row, isEstimated: row.isEstimated === 1, hours: parseHours(row.hours) }));
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
    FROM json_each(:days) AS j CROSS JOIN upstream_key AS u ON u.id = ${jsonField('upstreamKeyId')} AND u.last_sample_at IS ${jsonField('baseSampleAt')} WHERE true
    ON CONFLICT (user_id, day, upstream_key_id) DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`)}
    WHERE (${of('key_day')}) IS NOT (${of('excluded')})`;
  return statement(db, text, { days: JSON.stringify(writes.map((write) => ({ ...write, hours: formatHours(write.hours) }))) });
}
