/** SQL that applies what OpenRouter lists of an account: its workspaces, its keys, its balance. */
import { type Db, jsonField as field, queryOf, rowsOf, runBatch, statement, type Values } from '../db.ts';
import { HOUR_MS } from '../lib/day.ts';
import { slicesOf } from '../lib/slices.ts';
import type { Credits, KeyRecord, Workspace } from '../openrouter/account.ts';
import { resolveDaysStatementAcrossUsers, resolveUserStatement } from '../usage/booking/source-store.ts';

/** A management key reads its account as long as its listings succeed; then another one may take over. */
const MAX_SILENCE_MS = 3 * HOUR_MS;

/** An account `a` whose reader reads it: it still opens it, and is neither gone, nor paused, nor invalid, nor an ordinary key by now, nor refused for hours. */
const HAS_LIVE_READER = `EXISTS (SELECT 1 FROM management AS m CROSS JOIN api_key AS k ON k.id = m.api_key_id
  WHERE m.api_key_id = a.reader_id AND m.account_id = a.id AND k.kind = 'management' AND k.is_active AND k.health <> 'invalid'
    AND coalesce(m.listed_at, k.created_at) > :now - ${MAX_SILENCE_MS})`;

/** The account with these workspaces that another management key reads; null: none does. */
export async function findReadAccount(
  db: Db,
  userId: number,
  managementId: number,
  workspaceIds: readonly string[],
  now: number,
): Promise<number | null> {
  const text = `SELECT a.id FROM json_each(:workspaceIds) AS j CROSS JOIN workspace AS w ON w.user_id = :userId AND w.id = j.value
    CROSS JOIN account AS a ON a.id = w.account_id WHERE a.reader_id <> :managementId AND ${HAS_LIVE_READER} LIMIT 1`;
  const values = { userId, managementId, workspaceIds: JSON.stringify(workspaceIds), now };
  const [row] = await rowsOf<{ id: number }>(db, statement(db, text, values));
  return row?.id ?? null;
}

/** Which account was listed: its workspaces, the hashes of its keys, and that of the secret with which it was listed, by which it is known again. */
export interface Place {
  workspaces: readonly Workspace[];
  hashes: readonly string[];
  openedBy: string;
}

/** The account as it is known: by a workspace of it, also one that is gone by now, by a key, or by the management key's own secret. */
const KNOWN = `coalesce((SELECT a.id FROM account AS a WHERE a.user_id = :userId AND (
  a.anchor IN (SELECT ${field('id')} FROM json_each(:workspaces) AS j)
  OR a.id IN (SELECT w.account_id FROM json_each(:workspaces) AS j CROSS JOIN workspace AS w ON w.user_id = :userId AND w.id = ${field('id')})
  OR a.id IN (SELECT u.account_id FROM upstream_key AS u WHERE u.user_id = :userId
    AND (u.workspace_id IN (SELECT ${field('id')} FROM json_each(:workspaces) AS j) OR u.hash IN (SELECT value FROM json_each(:hashes)))))
  ORDER BY a.id LIMIT 1), (SELECT m.account_id FROM management AS m
    WHERE m.api_key_id = :managementId AND m.user_id = :userId AND m.opened_by = :openedBy))`;

/** The account that the management key opens. */
const OPENED = '(SELECT m.account_id FROM management AS m WHERE m.api_key_id = :managementId AND m.user_id = :userId)';

/** The key still is a management key; its secret may be another one by now. */
const IS_MANAGER = "EXISTS (SELECT 1 FROM api_key WHERE id = :managementId AND user_id = :userId AND kind = 'management')";

/**
 * Makes a management key the reader of an account, unless another live one of the user is. What was read of the account before goes on under this
 * key; what it read of another account, when it had another secret, stays as it is.
 * @returns the account, and whether this key reads it; null: the key is gone, or no management key any more
 */
export async function claimAccount(
  db: Db,
  userId: number,
  managementId: number,
  { workspaces, hashes, openedBy }: Place,
  now: number,
): Promise<{ id: number; isReader: boolean; listedAt: number | null } | null> {
  const create = `INSERT INTO account (user_id, anchor, reader_id) SELECT :userId, (SELECT min(${field('id')}) FROM json_each(:workspaces) AS j), :managementId
    WHERE ${IS_MANAGER} AND ${KNOWN} IS NULL ON CONFLICT DO NOTHING`;
  const open = `UPDATE management SET account_id = ${KNOWN}, opened_by = :openedBy WHERE api_key_id = :managementId AND user_id = :userId AND ${IS_MANAGER}`;
  const take = `UPDATE account AS a SET reader_id = :managementId, read_version = read_version + 1
    WHERE a.id = ${OPENED} AND a.reader_id IS NOT :managementId AND ${IS_MANAGER} AND NOT ${HAS_LIVE_READER}`;
  const place = `INSERT INTO workspace (user_id, id, name, account_id)
    SELECT :userId, ${field('id')}, ${field('name')}, a.id FROM json_each(:workspaces) AS j CROSS JOIN account AS a ON a.id = ${OPENED} AND a.reader_id = :managementId
    ON CONFLICT (user_id, id) DO UPDATE SET name = excluded.name, account_id = excluded.account_id
    WHERE (workspace.name, workspace.account_id) IS NOT (excluded.name, excluded.account_id)`;
  const leave = `DELETE FROM workspace WHERE user_id = :userId AND account_id = (SELECT a.id FROM account AS a WHERE a.id = ${OPENED} AND a.reader_id = :managementId)
    AND id NOT IN (SELECT ${field('id')} FROM json_each(:workspaces) AS j)`;
  const find = `SELECT a.id, a.reader_id AS readerId, a.listed_at AS listedAt FROM account AS a WHERE a.id = ${OPENED} AND ${IS_MANAGER}`;
  const [manager, listed] = [{ userId, managementId }, JSON.stringify(workspaces)];
  const known = { ...manager, workspaces: listed, hashes: JSON.stringify(hashes), openedBy };
  const found = queryOf<{ id: number; readerId: number | null; listedAt: number | null }>(statement(db, find, manager));
  const results = await runBatch(db, [
    statement(db, create, known),
    statement(db, open, known),
    statement(db, take, { ...manager, now }),
    statement(db, place, { ...manager, workspaces: listed }),
    statement(db, leave, { ...manager, workspaces: listed }),
    resolveUserStatement(db, userId),
    found.statement,
  ]);
  const [row] = found.toRows(results.at(-1) ?? []);
  return row ? { id: row.id, isReader: row.readerId === managementId, listedAt: row.listedAt } : null;
}

/** Notes that a management key listed its account, and the account's balance; null: it could not be read. */
export async function noteListing(
  db: Db,
  userId: number,
  managementId: number,
  listing: { accountId: number; openedBy: string; credits: Credits | null; listedAt: number },
): Promise<void> {
  const { accountId, openedBy, credits, listedAt } = listing;
  const note = `UPDATE management SET account_id = :accountId, opened_by = :openedBy, listed_at = :listedAt
    WHERE user_id = :userId AND api_key_id = :managementId`;
  const balance =
    'UPDATE account SET total_credits_nano = :totalCreditsNano, total_usage_nano = :totalUsageNano WHERE user_id = :userId AND id = :accountId';
  await runBatch(db, [
    statement(db, note, { userId, managementId, accountId, listedAt, openedBy }),
    ...(credits
      ? [statement(db, balance, { userId, accountId, totalCreditsNano: credits.totalCreditsNano, totalUsageNano: credits.totalUsageNano })]
      : []),
  ]);
}

/** Is the account `:accountId` still this key's to read, and the key still a management key? */
const IS_OURS = `EXISTS (SELECT 1 FROM account AS a CROSS JOIN management AS m ON m.api_key_id = a.reader_id AND m.account_id = a.id
  CROSS JOIN api_key AS k ON k.id = m.api_key_id AND k.kind = 'management' WHERE a.id = :accountId AND a.user_id = :userId AND a.reader_id = :managementId)`;

/**
 * A discovered key follows its name upstream, unless its user gave it another. Comes before its name upstream is set. What is to be renamed
 * is found first, and the pluses leave each index but the ids' aside: else SQLite walks all keys of the user for each key that is listed.
 */
const FOLLOW_NAMES = `WITH next AS MATERIALIZED (SELECT k.id, ${field('keyName')} AS name FROM json_each(:records) AS j
    CROSS JOIN upstream_key AS u ON u.user_id = :userId AND u.hash = ${field('hash')} AND +u.account_id = :accountId
    CROSS JOIN api_key AS k ON k.user_id = :userId AND k.hash = u.hash AND k.kind = 'discovered' AND k.name = u.name AND k.name <> ${field('keyName')})
  UPDATE api_key SET name = next.name FROM next WHERE api_key.id = next.id AND ${IS_OURS}`;

/** Each secret that no key of the user has or had becomes a discovered key. */
const DISCOVER = `INSERT INTO api_key (user_id, kind, name, hash, label, health, created_at)
  SELECT :userId, 'discovered', ${field('keyName')}, ${field('hash')}, ${field('label')}, 'unverified', :at FROM json_each(:records) AS j
  WHERE ${IS_OURS} AND NOT EXISTS (SELECT 1 FROM upstream_key AS u WHERE u.user_id = :userId AND u.hash = ${field('hash')})`;

const LISTED = {
  created_at: field('createdAt'),
  account_id: ':accountId',
  workspace_id: field('workspaceId'),
  name: field('keyName'),
  is_disabled: field('isDisabled'),
  vanished_at: 'NULL',
  expires_at: field('expiresAt'),
  usage_nano: field('counters.usageNano'),
  usage_daily_nano: field('counters.usageDailyNano'),
  byok_usage_nano: field('counters.byokUsageNano'),
  byok_usage_daily_nano: field('counters.byokUsageDailyNano'),
};
/** A use moves no counter where it is free, so it says nothing of when those moved. */
const COLUMNS = { ...LISTED, last_used_at: field('lastUsedAt') };
const namesIn = (table: string, columns: object): string[] => Object.keys(columns).map((name) => `${table}.${name}`);
const differsIn = (columns: object): string => `(${namesIn('upstream_key', columns)}) IS NOT (${namesIn('excluded', columns)})`;

/** Sets what OpenRouter says of the account's keys. Writes only what changed. A key that was at rest stays known until the last listing when it moves. */
const SET_UPSTREAM_KEYS = `INSERT INTO upstream_key (user_id, hash, api_key_id, counted_at, ${Object.keys(COLUMNS)})
  SELECT :userId, ${field('hash')}, coalesce(u.api_key_id, k.id), :at, ${Object.values(COLUMNS)}
  FROM json_each(:records) AS j LEFT JOIN upstream_key AS u ON u.user_id = :userId AND u.hash = ${field('hash')}
    LEFT JOIN api_key AS k ON k.user_id = :userId AND k.hash = ${field('hash')}
  WHERE coalesce(u.api_key_id, k.id) IS NOT NULL AND ${IS_OURS}
  ON CONFLICT (user_id, hash) DO UPDATE SET counted_at = iif(${differsIn(LISTED)}, excluded.counted_at, upstream_key.counted_at),
    read_at = iif(upstream_key.is_at_rest, max(upstream_key.read_at, coalesce((SELECT a.listed_at FROM account AS a WHERE a.id = :accountId), 0)), upstream_key.read_at),
    ${Object.keys(COLUMNS).map((name) => `${name} = excluded.${name}`)}
  WHERE ${differsIn(COLUMNS)}`;

/** Keys that OpenRouter lists no more keep their history. */
const MARK_VANISHED = `UPDATE upstream_key SET vanished_at = :at FROM json_each(:vanished) AS j
  WHERE upstream_key.id = j.value AND +upstream_key.user_id = :userId AND +upstream_key.account_id = :accountId AND ${IS_OURS}`;
const END_VANISHED = `UPDATE api_key SET health = 'invalid', last_error = :error FROM json_each(:vanished) AS j JOIN upstream_key AS u
  WHERE u.id = j.value AND +u.user_id = :userId AND +u.account_id = :accountId AND ${IS_OURS}
    AND api_key.user_id = :userId AND api_key.hash = u.hash AND api_key.kind = 'discovered'`;

const NOTE_COMPLETE = `UPDATE account SET listed_at = :at WHERE id = :accountId AND ${IS_OURS}`;

/** About 700 bytes each, so that a parameter stays far below D1's 2 MB. */
const RECORDS_A_SLICE = 1000;

export interface Listing {
  accountId: number;
  /** The management key's own upstream key. */
  managerUpstreamId: number;
  /** UTC days that a key which is at rest may be read through with this listing: those since the one before. */
  days: readonly string[];
  /** `keyName`: what a discovered key is called. */
  records: readonly (KeyRecord & { keyName: string })[];
  /** Ids of upstream keys that are listed no more. */
  vanished: readonly number[];
  /** Epoch milliseconds when the listing began. */
  at: number;
  /** Was all of the account listed? */
  isComplete: boolean;
}

/** Applies a listing of an account's keys. */
export async function applyListing(
  db: Db,
  userId: number,
  managementId: number,
  { accountId, managerUpstreamId, days, records, vanished, at, isComplete }: Listing,
  vanishedError: string,
): Promise<void> {
  const apply = (text: string, values: Values) => statement(db, text, { userId, managementId, accountId, ...values });
  await runBatch(db, [
    ...slicesOf(records, RECORDS_A_SLICE).flatMap((slice) => {
      const listed = { records: JSON.stringify(slice) };
      return [apply(FOLLOW_NAMES, listed), apply(DISCOVER, { ...listed, at }), apply(SET_UPSTREAM_KEYS, { ...listed, at })];
    }),
    ...(vanished.length > 0
      ? [
          apply(MARK_VANISHED, { vanished: JSON.stringify(vanished), at }),
          apply(END_VANISHED, { vanished: JSON.stringify(vanished), error: vanishedError }),
        ]
      : []),
    ...(isComplete ? [apply(NOTE_COMPLETE, { at })] : []),
    resolveDaysStatementAcrossUsers(db, [managerUpstreamId], days),
  ]);
}
