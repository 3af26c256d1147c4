/**
 * Which source the ledger takes for a day of an upstream key: the one place that decides it, in SQL, since the answer is stored beside what it was
 * decided from, in the same transaction.
 */
import { type Db, statement } from '../../db.ts';
import { LATE_MS } from '../coverage/secrets.ts';

/** Were analytics read after everything of the day was told? */
const IS_REPORTED = `coalesce(d.day >= r.done_from AND r.reported_until >= (unixepoch(d.day) + 86400) * 1000 + ${LATE_MS}, false)`;

/** Is the account's total of the day read? Then what the counters shared out over a gap is in it, on its true day. */
const IS_TOTALED = 'coalesce(d.day >= r.total_from AND d.day < r.total_until, false)';

/** Do the counters know more money, and of neither kind less? */
const COUNTERS_KNOW_MORE = `(d.counted_nano >= d.reported_nano AND d.counted_byok_nano >= d.reported_byok_nano
  AND d.counted_nano + d.counted_byok_nano > d.reported_nano + d.reported_byok_nano)`;

/**
 * Analytics where there is any, counters otherwise. The counters also speak for a day that analytics left unfinished, where they know more money and
 * analytics are behind them; but not where they only shared an amount out over a gap and analytics were read, of the key or of its account.
 */
const SOURCE = `CASE
  WHEN d.reported_nano IS NOT NULL AND NOT coalesce(r.is_behind AND NOT ${IS_REPORTED} AND ${COUNTERS_KNOW_MORE}, false) THEN 'analytics'
  WHEN d.counted_nano IS NOT NULL AND NOT (d.is_estimated AND (${IS_REPORTED} OR ${IS_TOTALED})) THEN 'counters' END`;

/** Days up to which an upstream key was read, and of which more may come: what is known of it beside evidence decides about no others. */
const OPEN_DAYS = `SELECT date(r.reported_until / 1000, 'unixepoch') UNION ALL SELECT date((r.reported_until - ${LATE_MS}) / 1000, 'unixepoch')`;

/** @param whose a condition on the upstream keys `r`; `:days`: a JSON array */
const resolve = (whose: string): string => `WITH next AS MATERIALIZED (SELECT d.user_id, d.day, d.upstream_key_id, ${SOURCE} AS source
    FROM reading AS r CROSS JOIN key_day AS d
      ON d.user_id = r.user_id AND d.day IN (SELECT value FROM json_each(:days) UNION ALL ${OPEN_DAYS}) AND d.upstream_key_id = r.id
    WHERE ${whose} AND d.source IS NOT ${SOURCE})
  UPDATE key_day SET source = next.source FROM next
    WHERE key_day.user_id = next.user_id AND key_day.day = next.day AND key_day.upstream_key_id = next.upstream_key_id`;

const IDS = 'SELECT value FROM json_each(:ids)';
/** With the upstream keys of management keys, those of the accounts that they read. */
const WITH_THEIR_ACCOUNTS = `${IDS} UNION SELECT u.id FROM upstream_key AS k CROSS JOIN account AS a ON a.reader_id = k.api_key_id
  CROSS JOIN upstream_key AS u ON u.account_id = a.id AND u.user_id = a.user_id WHERE k.id IN (${IDS})`;

/**
 * Decides some days of upstream keys anew, and their open days. Comes after everything else in a batch that writes evidence, or changes who reads
 * the keys and how far they are read.
 * @param upstreamKeyIds also of management keys: then the keys of their accounts are meant, too
 */
export const resolveDaysStatementAcrossUsers = (db: Db, upstreamKeyIds: readonly number[], days: readonly string[]): D1PreparedStatement =>
  statement(db, resolve(`r.id IN (${WITH_THEIR_ACCOUNTS})`), { ids: JSON.stringify(upstreamKeyIds), days: JSON.stringify(days) });

/** The same of all keys of a user. */
export const resolveUserStatement = (db: Db, userId: number): D1PreparedStatement =>
  statement(db, resolve('r.user_id = :userId'), { userId, days: '[]' });

/** The same of some days of an account's keys, whose total was read. */
export const resolveAccountStatement = (db: Db, userId: number, accountId: number, days: readonly string[]): D1PreparedStatement =>
  statement(db, resolve('r.user_id = :userId AND r.account_id = :accountId'), { userId, accountId, days: JSON.stringify(days) });

/** The same of some days of keys whose account nobody reads any more: its total went with its reader. */
export const resolveUnreadStatement = (db: Db, userId: number, days: readonly string[]): D1PreparedStatement =>
  statement(db, resolve('r.account_id IN (SELECT a.id FROM account AS a WHERE a.user_id = :userId AND a.reader_id IS NULL)'), {
    userId,
    days: JSON.stringify(days),
  });
