/** SQL of questions about the ledger, and of what the counters write into it. */
import { eq, getTableColumns, type SQL, sql } from 'drizzle-orm';
import { askedOften, type Db, runBatch, selectPlain, statement } from '../db.ts';
import type { DayAmounts } from './ledger.ts';
import type { CheckEntry } from './sources.ts';
import type { PlainCounters, StoredUsage } from './stored-row.ts';
import type { SettledSpan, Span } from './sum-plan.ts';
import type { Since } from './sums.ts';
import { checkDay, counterDay, daySum, modelName, usageDay } from './table.ts';

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

/** Hours as they are read: as they are stored, or a list of the credits of each. */
export function hoursOf({ hours }: typeof counterDay | typeof usageDay, asked: AskedDays['hours']): SQL {
  if (asked === 'all') return sql`${hours}`;
  return asked === 'none' ? sql`NULL` : sql`json_extract(${hours}, ${CREDIT_PATHS})`;
}

const [USER_ID, SPANS] = ['userId', 'spans'].map((name) => sql.placeholder(name));

/** Has the day that stands at a place of the span a sum that is parted at the hour beside it (in UTC, at any)? */
const hasSum = (place: number): SQL =>
  sql`EXISTS (SELECT 1 FROM ${daySum} WHERE ${daySum.userId} = ${USER_ID} AND ${daySum.day} = span.value ->> ${sql.raw(String(place))}
    AND span.value ->> ${sql.raw(String(place + 1))} IN (0, ${daySum.cut}))`;

/** The rows of a user in some spans of days, in settled ones only if their first or last day has no sum. */
const inSpans = (table: typeof counterDay | typeof usageDay | typeof checkDay): SQL =>
  sql`FROM json_each(${SPANS}) AS span CROSS JOIN ${table}
    ON ${table.userId} = ${USER_ID} AND ${table.day} BETWEEN span.value ->> 0 AND span.value ->> 1
    WHERE span.value ->> 2 IS NULL OR NOT (${hasSum(2)} AND ${hasSum(4)})`;

/** A question about days for each way of reading hours. */
const byHours = <T>(make: (hours: AskedDays['hours']) => T): Record<AskedDays['hours'], T> => ({
  all: make('all'),
  credits: make('credits'),
  none: make('none'),
});

const countersOf = byHours((hours) =>
  askedOften((db) => {
    const { userId: _, ...columns } = getTableColumns(counterDay);
    return selectPlain<PlainCounters>(db, { ...columns, hours: hoursOf(counterDay, hours) }, inSpans(counterDay));
  }),
);
const usageOf = byHours((hours) =>
  askedOften((db) => {
    const { userId: _, ...columns } = getTableColumns(usageDay);
    return selectPlain<StoredUsage>(db, { ...columns, hours: hoursOf(usageDay, hours) }, inSpans(usageDay));
  }),
);
const checks = askedOften((db) => {
  const { userId: _, ...columns } = getTableColumns(checkDay);
  return selectPlain<CheckEntry>(db, columns, inSpans(checkDay));
});

/** Selects what the counters of a user's keys say of days. */
export const selectDays = (db: Db, userId: number, { spans, hours }: AskedDays) =>
  countersOf[hours](db, { userId, spans: JSON.stringify(spans) });

/** Selects what analytics say of a user's days. */
export const selectUsage = (db: Db, userId: number, { spans, hours }: AskedDays) =>
  usageOf[hours](db, { userId, spans: JSON.stringify(spans) });

/** Selects what a user's completed days are checked against. */
export const selectChecks = (db: Db, userId: number, { spans }: AskedDays) => checks(db, { userId, spans: JSON.stringify(spans) });

const names = askedOften((db) =>
  db
    .select()
    .from(modelName)
    .where(eq(modelName.userId, sql.placeholder('userId'))),
);
/** Selects the names of the models that a user's keys used. */
export const selectNames = (db: Db, userId: number) => names(db, { userId });

/** Names one ledger row of counters. */
export interface DayKey {
  userId: number;
  keyId: number;
  keyHash: string;
  day: string;
}

/** Those of the named ledger rows that exist, for a job that works on keys of several users. */
export async function listNamedDaysAcrossUsers(db: Db, names: readonly DayKey[]): Promise<(DayKey & DayAmounts)[]> {
  if (names.length === 0) return [];
  const text = `SELECT d.* FROM json_each(?1) AS j JOIN counter_day AS d
    ON d.user_id = json_extract(j.value, '$.userId') AND d.day = json_extract(j.value, '$.day') AND d.api_key_id = json_extract(j.value, '$.keyId')
    AND d.hash = json_extract(j.value, '$.keyHash')`;
  const [rows = []] = await runBatch(db, [statement(db, text, JSON.stringify(names))]);
  return rows.map((row) => ({
    userId: Number(row['user_id']),
    keyId: Number(row['api_key_id']),
    keyHash: String(row['hash']),
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
  textVersion: number;
  baseSampleAt: number | null;
}

/**
 * Sets ledger rows computed from a sample. A key that is gone, was replaced, or has another last sample by now is passed over;
 * a row that would not change is not written. Belongs in one batch before the statement that moves the key's sample.
 */
export function setDaysStatementAcrossUsers(db: Db, writes: readonly DayWrite[]): D1PreparedStatement {
  const text = `INSERT INTO counter_day (user_id, day, api_key_id, hash, cost_nano, byok_cost_nano, correction_nano, byok_correction_nano, is_estimated, hours)
    SELECT k.user_id, json_extract(j.value, '$.day'), k.id, k.hash, json_extract(j.value, '$.costNano'), json_extract(j.value, '$.byokCostNano'),
      json_extract(j.value, '$.correctionNano'), json_extract(j.value, '$.byokCorrectionNano'), json_extract(j.value, '$.isEstimated'), json_extract(j.value, '$.hours')
    FROM json_each(?1) AS j JOIN api_key AS k ON k.id = json_extract(j.value, '$.keyId')
    WHERE k.hash = json_extract(j.value, '$.keyHash') AND k.text_version = json_extract(j.value, '$.textVersion') AND k.last_sample_at IS json_extract(j.value, '$.baseSampleAt')
    ON CONFLICT (user_id, day, api_key_id, hash) DO UPDATE SET cost_nano = excluded.cost_nano, byok_cost_nano = excluded.byok_cost_nano,
      correction_nano = excluded.correction_nano, byok_correction_nano = excluded.byok_correction_nano, is_estimated = excluded.is_estimated, hours = excluded.hours
    WHERE (counter_day.cost_nano, counter_day.byok_cost_nano, counter_day.correction_nano, counter_day.byok_correction_nano, counter_day.is_estimated, counter_day.hours)
      IS NOT (excluded.cost_nano, excluded.byok_cost_nano, excluded.correction_nano, excluded.byok_correction_nano, excluded.is_estimated, excluded.hours)`;
  return statement(db, text, JSON.stringify(writes.map((write) => ({ ...write, hours: formatHours(write.hours) }))));
}
