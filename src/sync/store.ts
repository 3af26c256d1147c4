/** SQL of management keys: who reads an account and when, and how far each of its keys was read. */
import { and, eq, getTableColumns } from 'drizzle-orm';
import { type Db, jsonField as field, queryOf, readTogether, rowsOf, runBatch, statement } from '../db.ts';
import type { Account, Management, UpstreamKey } from '../inventory/model.ts';
import { account, management, reading } from '../inventory/table.ts';
import type { Owner, ReadBase } from '../usage/booking/usage-store.ts';
import type { AccountProgress, ReadProgress } from './model.ts';

export type Claimed = Pick<Management, 'listedAt' | 'namesDay' | 'lastError'> & {
  /** Does this key read its account? */
  isReader: boolean;
};
type FoundStep = Omit<Claimed, 'isReader'> & Pick<Management, 'runSlot' | 'readyAt'> & { isReader: number };
export type StepClaim = ({ kind: 'claimed' } & Claimed) | { kind: 'superseded' } | { kind: 'busy'; until: number };

/**
 * Takes an account for a step of a run, unless a newer run works on it, or it is not ready.
 * @param slot of the run, ISO 8601
 */
export async function claimStep(
  db: Db,
  userId: number,
  managementId: number,
  slot: string,
  now: number,
  leaseMs: number,
): Promise<StepClaim> {
  const claim = `INSERT INTO management (api_key_id, user_id, ready_at, run_slot)
    SELECT id, user_id, :now + :leaseMs, :slot FROM api_key WHERE id = :managementId AND user_id = :userId
    ON CONFLICT (api_key_id) DO UPDATE SET ready_at = excluded.ready_at, run_slot = excluded.run_slot
    WHERE management.ready_at <= :now AND coalesce(management.run_slot, '') <= :slot RETURNING 1`;
  const find = `SELECT m.run_slot AS runSlot, m.ready_at AS readyAt, m.listed_at AS listedAt, m.names_day AS namesDay, m.last_error AS lastError,
      EXISTS (SELECT 1 FROM account AS a WHERE a.id = m.account_id AND a.reader_id = m.api_key_id) AS isReader
    FROM management AS m WHERE m.user_id = :userId AND m.api_key_id = :managementId`;
  const [claimed, [row]] = await readTogether(db, [
    queryOf(statement(db, claim, { userId, managementId, slot, now, leaseMs })),
    queryOf<FoundStep>(statement(db, find, { userId, managementId })),
  ]);
  if (!row) return { kind: 'superseded' };
  const { runSlot, readyAt, isReader, ...known } = row;
  if (claimed.length === 0) return String(runSlot) > slot ? { kind: 'superseded' } : { kind: 'busy', until: readyAt };
  return { kind: 'claimed', ...known, isReader: isReader === 1 };
}

/** Ends a step that still has its lease: the account may be taken again from `readyAt` on. */
export async function releaseStep(
  db: Db,
  userId: number,
  managementId: number,
  leaseUntil: number,
  readyAt: number,
  lastError: string | null,
): Promise<void> {
  const text = `UPDATE management SET ready_at = :readyAt, last_error = :lastError
    WHERE user_id = :userId AND api_key_id = :managementId AND ready_at = :leaseUntil`;
  await runBatch(db, [statement(db, text, { userId, managementId, leaseUntil, readyAt, lastError })]);
}

/** The account that a management key reads. */
export async function findAccount(db: Db, userId: number, managementId: number): Promise<Account | null> {
  const [row] = await db
    .select(getTableColumns(account))
    .from(account)
    .innerJoin(management, and(eq(management.apiKeyId, account.readerId), eq(management.accountId, account.id)))
    .where(and(eq(account.userId, userId), eq(account.readerId, managementId)));
  return row ?? null;
}

/** Keys of the account that a management key reads, each with whether its user lets it be read. */
export async function listAccountKeys(db: Db, userId: number, managementId: number): Promise<(UpstreamKey & { isActive: boolean })[]> {
  const rows = await db
    .select()
    .from(reading)
    .where(and(eq(reading.managementId, managementId), eq(reading.userId, userId)));
  const paused = 'SELECT id FROM api_key WHERE user_id = :userId AND NOT is_active';
  const ids = await rowsOf<{ id: number }>(db, statement(db, paused, { userId }));
  const isPaused = new Set(ids.map(({ id }) => id));
  return rows.map((row) => ({ ...row, isActive: !isPaused.has(row.apiKeyId) }));
}

/**
 * Moves upstream keys that still stand at their base to a new state; returns the ids of those. The plus, here and below, keeps SQLite from
 * walking all keys of the user for each of them, instead of looking its id up.
 */
export function moveReadingsStatement(db: Db, userId: number, moves: readonly (ReadBase & ReadProgress)[]): D1PreparedStatement {
  const text = `UPDATE upstream_key SET read_version = read_version + 1, done_from = ${field('doneFrom')}, open_from = ${field('openFrom')},
      read_at = ${field('readAt')}, read_usage_nano = ${field('readUsageNano')}, read_byok_usage_nano = ${field('readByokUsageNano')},
      is_settled = ${field('isSettled')}, last_error = NULL
    FROM json_each(:moves) AS j WHERE +upstream_key.user_id = :userId AND upstream_key.id = ${field('id')} AND upstream_key.read_version = ${field('readVersion')}
    RETURNING upstream_key.id`;
  return statement(db, text, { userId, moves: JSON.stringify(moves) });
}

/** Moves an account that still stands at its base to a new state; returns its id if so. */
export const moveAccountStatement = (
  db: Db,
  userId: number,
  { id, readVersion }: ReadBase,
  { doneFrom, openFrom }: AccountProgress,
): D1PreparedStatement =>
  statement(
    db,
    `UPDATE account SET read_version = read_version + 1, done_from = :doneFrom, open_from = :openFrom
      WHERE user_id = :userId AND id = :id AND read_version = :readVersion RETURNING id`,
    { userId, id, readVersion, doneFrom, openFrom },
  );

/** What came late for a key came late for its account: the total of such a day is asked for once more. */
export const reopenAccountsStatement = (db: Db, userId: number, late: readonly { id: number; day: string }[]): D1PreparedStatement =>
  statement(
    db,
    `UPDATE account SET open_from = next.day, read_version = read_version + 1
      FROM (SELECT u.account_id, min(${field('day')}) AS day FROM json_each(:late) AS j JOIN upstream_key AS u ON u.id = ${field('id')} GROUP BY 1) AS next
      WHERE account.id = next.account_id AND +account.user_id = :userId AND account.open_from > next.day`,
    { userId, late: JSON.stringify(late) },
  );

/** Notes why keys could not be read. */
export const noteErrorsStatement = (db: Db, userId: number, errors: readonly { id: number; lastError: string }[]): D1PreparedStatement =>
  statement(
    db,
    `UPDATE upstream_key SET last_error = ${field('lastError')} FROM json_each(:errors) AS j
      WHERE +upstream_key.user_id = :userId AND upstream_key.id = ${field('id')} AND upstream_key.last_error IS NOT ${field('lastError')}`,
    { userId, errors: JSON.stringify(errors) },
  );

/** Notes up to which day upstream keys, or accounts, were checked. */
export const noteChecksStatement = (db: Db, userId: number, owner: Owner, ids: readonly number[], day: string): D1PreparedStatement =>
  statement(db, `UPDATE ${owner} AS o SET checked_to = :day FROM json_each(:ids) AS j WHERE o.id = j.value AND +o.user_id = :userId`, {
    userId,
    ids: JSON.stringify(ids),
    day,
  });

/** Notes that the names of models were asked for. */
export const noteNamesStatement = (db: Db, userId: number, managementId: number, day: string): D1PreparedStatement =>
  statement(db, 'UPDATE management SET names_day = :day WHERE user_id = :userId AND api_key_id = :managementId', {
    userId,
    managementId,
    day,
  });
