/** SQL that gives keys their texts: added, replaced, taken back, or given to a discovered key. */
import { type Db, runBatch, statement } from '../db.ts';
import type { KeyRow } from './model.ts';

/**
 * How many keys a user has added, and whether one of them has, or once had, the text with this hash. Discovered ones do not count.
 * @param exceptId a key whose own former texts do not count
 */
export async function countKeys(
  db: Db,
  userId: number,
  hash: string,
  exceptId: number | null,
): Promise<{ count: number; hasHash: boolean }> {
  const text = `SELECT (SELECT count(*) FROM api_key WHERE user_id = ?1 AND kind <> 'discovered') AS count,
    EXISTS (SELECT 1 FROM api_key WHERE user_id = ?1 AND hash = ?2 AND kind <> 'discovered')
      OR EXISTS (SELECT 1 FROM api_key_alias WHERE user_id = ?1 AND hash = ?2 AND api_key_id IS NOT ?3) AS has_hash`;
  const [rows = []] = await runBatch(db, [statement(db, text, userId, hash, exceptId)]);
  return { count: Number(rows[0]?.['count']), hasHash: rows[0]?.['has_hash'] === 1 };
}

type KeySecret = Pick<KeyRow, 'hash' | 'label' | 'ciphertext' | 'kid'>;

/** What a new or replaced text begins with: its secret, and why OpenRouter could not be asked, if so. */
export type NewText = KeySecret & Pick<KeyRow, 'lastError' | 'retryAfter'>;

/**
 * Adds an unverified key, or gives a discovered one its text, unless the user has `max` of them or is gone: one statement decides,
 * however many run at once.
 * @returns its id, or null at the limit, or if another key had this text before
 */
export async function insertKey(db: Db, userId: number, name: string, key: NewText, max: number, now: number): Promise<number | null> {
  const text = `INSERT INTO api_key (user_id, name, created_at, hash, label, ciphertext, kid, last_error, retry_after, kind, health)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'inference', 'unverified'
    WHERE (SELECT count(*) FROM api_key WHERE user_id = ?1 AND kind <> 'discovered') < ?10 AND EXISTS (SELECT 1 FROM user WHERE id = ?1)
      AND NOT EXISTS (SELECT 1 FROM api_key_alias WHERE user_id = ?1 AND hash = ?4)
    ON CONFLICT (user_id, hash) DO UPDATE SET name = excluded.name, label = excluded.label, ciphertext = excluded.ciphertext, kid = excluded.kid,
      kind = excluded.kind, is_active = true, health = iif(excluded.last_error IS NULL, 'active', 'unverified'), last_error = excluded.last_error,
      retry_after = excluded.retry_after, rejected_run = NULL
    WHERE api_key.kind = 'discovered' RETURNING id`;
  const values = [userId, name, now, key.hash, key.label, key.ciphertext, key.kid, key.lastError, key.retryAfter, max];
  const [rows = []] = await runBatch(db, [statement(db, text, ...values)]);
  return rows[0] ? Number(rows[0]['id']) : null;
}

/** What an alias keeps of a series, so that a text which comes back goes on from there. */
const SERIES = ['series_started_at', 'last_sample_at', 'usage_nano', 'usage_daily_nano', 'byok_usage_nano', 'byok_usage_daily_nano'];

/**
 * Lets a key that still has `oldHash` absorb the discovered key with `hash`, if there is one: its days and its readings
 * change hands, and an alias keeps where its series stood.
 */
function absorbStatements(db: Db, userId: number, id: number, oldHash: string, hash: string): D1PreparedStatement[] {
  const discovered = "SELECT d.id FROM api_key AS d WHERE d.user_id = ?1 AND d.hash = ?4 AND d.kind = 'discovered'";
  const isUnchanged = 'EXISTS (SELECT 1 FROM api_key AS k WHERE k.user_id = ?1 AND k.id = ?2 AND k.hash = ?3 AND k.hash <> ?4)';
  return [
    `INSERT INTO api_key_alias (user_id, hash, api_key_id, ${SERIES.join(', ')})
      SELECT user_id, hash, ?2, ${SERIES.join(', ')} FROM api_key WHERE id = (${discovered}) AND ${isUnchanged}`,
    `UPDATE counter_day SET api_key_id = ?2 WHERE user_id = ?1 AND api_key_id = (${discovered}) AND ${isUnchanged}`,
    `UPDATE upstream_key SET api_key_id = ?2 WHERE api_key_id = (${discovered}) AND ${isUnchanged}`,
    `DELETE FROM api_key WHERE id = (${discovered}) AND ${isUnchanged}`,
  ].map((text) => statement(db, text, userId, id, oldHash, hash));
}

/**
 * Replaces the text of a key that still has `oldHash`; the old hash keeps naming this key. A new series begins, or, with a text
 * that the key had before, its series goes on. A discovered key with that text becomes part of this one.
 */
export async function replaceText(db: Db, userId: number, id: number, oldHash: string, text: NewText): Promise<boolean> {
  const isUnchanged = 'user_id = ?1 AND id = ?2 AND hash = ?3';
  const isForeign = 'SELECT 1 FROM api_key_alias AS a WHERE a.user_id = ?1 AND a.hash = ?4 AND a.api_key_id <> ?2';
  const alias = `INSERT INTO api_key_alias (user_id, hash, api_key_id, ${SERIES.join(', ')})
    SELECT user_id, hash, id, ${SERIES.join(', ')} FROM api_key WHERE ${isUnchanged}
    ON CONFLICT DO NOTHING`;
  const former = SERIES.map(
    (name) => `${name} = (SELECT a.${name} FROM api_key_alias AS a WHERE a.user_id = ?1 AND a.hash = ?4 AND a.api_key_id = ?2)`,
  );
  const update = `UPDATE api_key SET hash = ?4, text_version = text_version + 1, label = ?5, ciphertext = ?6, kid = ?7, last_error = ?8, retry_after = ?9, kind = 'inference',
      health = 'unverified', ${former.join(', ')}, usage_weekly_nano = NULL, usage_monthly_nano = NULL, byok_usage_weekly_nano = NULL,
      byok_usage_monthly_nano = NULL, limit_nano = NULL, limit_remaining_nano = NULL, limit_reset = NULL, expires_at = NULL,
      last_validated_at = NULL, rejected_run = NULL
    WHERE ${isUnchanged} AND NOT EXISTS (${isForeign}) RETURNING id`;
  const values = [text.hash, text.label, text.ciphertext, text.kid, text.lastError, text.retryAfter];
  const absorbing = absorbStatements(db, userId, id, oldHash, text.hash);
  const results = await runBatch(db, [
    ...absorbing,
    statement(db, alias, userId, id, oldHash),
    statement(db, update, userId, id, oldHash, ...values),
    statement(
      db,
      'DELETE FROM api_key_alias WHERE user_id = ?1 AND hash = (SELECT hash FROM api_key WHERE user_id = ?1 AND id = ?2)',
      userId,
      id,
    ),
  ]);
  return (results[absorbing.length + 1] ?? []).length > 0;
}
