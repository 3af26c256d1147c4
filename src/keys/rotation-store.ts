/** SQL that gives keys their texts: added, replaced, taken back, or given to a discovered key. */
import { type Db, rowsOf, runBatch, statement } from '../db.ts';
import type { KeyRow } from '../inventory/model.ts';

/** A key of the user that has, or had, the secret with the hash `:hash`, and that is no discovered one with just that secret. */
const OWNER = `SELECT k.id FROM upstream_key AS u JOIN api_key AS k ON k.id = u.api_key_id
  WHERE u.user_id = :userId AND u.hash = :hash AND (k.kind <> 'discovered' OR k.hash <> u.hash)`;

/**
 * How many keys a user has added, and whether one of them has, or once had, the secret with this hash. Discovered ones do not count.
 * @param exceptId a key whose own former secrets do not count
 */
export async function countKeys(
  db: Db,
  userId: number,
  hash: string,
  exceptId: number | null,
): Promise<{ count: number; hasHash: boolean }> {
  const text = `SELECT (SELECT count(*) FROM api_key WHERE user_id = :userId AND kind <> 'discovered') AS count,
    EXISTS (${OWNER} AND (k.id IS NOT :exceptId OR k.hash = u.hash)) AS hasHash`;
  const [row] = await rowsOf<{ count: number; hasHash: number }>(db, statement(db, text, { userId, hash, exceptId }));
  return { count: row?.count ?? 0, hasHash: row?.hasHash === 1 };
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
  const insert = `INSERT INTO api_key (user_id, hash, name, created_at, label, ciphertext, kid, last_error, retry_after, kind, health)
    SELECT :userId, :hash, :name, :now, :label, :ciphertext, :kid, :lastError, :retryAfter, 'inference', 'unverified'
    WHERE (SELECT count(*) FROM api_key WHERE user_id = :userId AND kind <> 'discovered') < :max AND EXISTS (SELECT 1 FROM user WHERE id = :userId)
      AND NOT EXISTS (${OWNER})
    ON CONFLICT (user_id, hash) DO UPDATE SET name = excluded.name, label = excluded.label, ciphertext = excluded.ciphertext, kid = excluded.kid,
      kind = excluded.kind, is_active = true, health = iif(excluded.last_error IS NULL, 'active', 'unverified'), last_error = excluded.last_error,
      retry_after = excluded.retry_after, rejected_run = NULL
    WHERE api_key.kind = 'discovered' RETURNING id`;
  const own = `INSERT INTO upstream_key (user_id, hash, api_key_id, created_at) SELECT user_id, hash, id, 0 FROM api_key WHERE user_id = :userId AND hash = :hash
    ON CONFLICT DO NOTHING`;
  const { hash, label, ciphertext, kid, lastError, retryAfter } = key;
  const [rows = []] = await runBatch(db, [
    statement(db, insert, { userId, hash, name, now, label, ciphertext, kid, lastError, retryAfter, max }),
    statement(db, own, { userId, hash }),
  ]);
  return rows[0] ? Number(rows[0]['id']) : null;
}

/**
 * Replaces the secret of a key that still has `oldHash`. The upstream key of the new one changes hands, with all that was booked on it: of a secret
 * that the key had before it goes on, and a discovered key that had it is part of this one from now on.
 */
export async function replaceText(db: Db, userId: number, id: number, oldHash: string, text: NewText): Promise<boolean> {
  const isOurs = `EXISTS (SELECT 1 FROM api_key AS o WHERE o.user_id = :userId AND o.id = :id AND o.hash = :oldHash AND o.hash <> :hash)
    AND NOT EXISTS (${OWNER} AND k.id <> :id)`;
  const takeOver = `INSERT INTO upstream_key (user_id, hash, api_key_id, created_at) SELECT :userId, :hash, :id, 0 WHERE ${isOurs}
    ON CONFLICT (user_id, hash) DO UPDATE SET api_key_id = excluded.api_key_id WHERE upstream_key.api_key_id <> excluded.api_key_id`;
  const absorb = `DELETE FROM api_key WHERE user_id = :userId AND hash = :hash AND kind = 'discovered' AND ${isOurs}`;
  const update = `UPDATE api_key SET hash = :hash, label = :label, ciphertext = :ciphertext, kid = :kid, last_error = :lastError, retry_after = :retryAfter, kind = 'inference',
      health = 'unverified', limit_nano = NULL, limit_remaining_nano = NULL, limit_reset = NULL, expires_at = NULL, last_validated_at = NULL,
      rejected_run = NULL
    WHERE user_id = :userId AND id = :id AND ${isOurs} RETURNING id`;
  const { hash, label, ciphertext, kid, lastError, retryAfter } = text;
  const place = { userId, hash, id, oldHash };
  const [, , updated = []] = await runBatch(db, [
    statement(db, takeOver, place),
    statement(db, absorb, place),
    statement(db, update, { ...place, label, ciphertext, kid, lastError, retryAfter }),
  ]);
  return updated.length > 0;
}
