/** SQL that applies what OpenRouter lists of an account: its workspaces, its keys, its balance. */
import { type Db, jsonField as field, runBatch, statement } from '../db.ts';
import { HOUR_MS } from '../lib/day.ts';
import { slicesOf } from '../lib/slices.ts';
import type { Credits, KeyRecord, Workspace } from '../openrouter/account.ts';

/** A management key reads its account as long as its listings succeed; then another one may take over. */
const MAX_SILENCE_MS = 3 * HOUR_MS;

/** A management key that reads its account: neither gone, nor paused, nor invalid, nor an ordinary key by now, nor refused for hours. */
const IS_LIVE = `EXISTS (SELECT 1 FROM api_key AS k LEFT JOIN management AS m ON m.api_key_id = k.id
  WHERE k.id = w.management_id AND k.kind = 'management' AND k.is_active AND k.health <> 'invalid'
    AND coalesce(m.listed_at, k.created_at) > ?4 - ${MAX_SILENCE_MS})`;

/**
 * Makes a management key the one that reads the account with these workspaces, unless another live one of the user does already.
 * @returns the id of the key that reads the account, if it is another one
 */
export async function claimWorkspaces(
  db: Db,
  userId: number,
  managementId: number,
  workspaces: readonly Workspace[],
  now: number,
): Promise<number | null> {
  const leader = `SELECT w.management_id AS id FROM workspace AS w WHERE w.user_id = ?1 AND w.management_id <> ?2
    AND w.id IN (SELECT json_extract(value, '$.id') FROM json_each(?3)) AND ${IS_LIVE} LIMIT 1`;
  const take = `INSERT INTO workspace (user_id, id, name, management_id)
    SELECT ?1, json_extract(j.value, '$.id'), json_extract(j.value, '$.name'), ?2 FROM json_each(?3) AS j
    WHERE NOT EXISTS (${leader}) AND EXISTS (SELECT 1 FROM api_key WHERE id = ?2 AND user_id = ?1)
    ON CONFLICT (user_id, id) DO UPDATE SET name = excluded.name, management_id = excluded.management_id
    WHERE (workspace.name, workspace.management_id) IS NOT (excluded.name, excluded.management_id)`;
  const listed = `(SELECT json_extract(value, '$.id') FROM json_each(?3))`;
  // Whoever read the account before keeps no part of it: a workspace that is gone would let a listing of theirs write on.
  const dispossess = `DELETE FROM workspace WHERE user_id = ?1 AND id NOT IN ${listed} AND NOT EXISTS (${leader})
    AND management_id IN (SELECT w.management_id FROM workspace AS w WHERE w.user_id = ?1 AND w.management_id <> ?2 AND w.id IN ${listed})`;
  const values = [userId, managementId, JSON.stringify(workspaces), now] as const;
  const [[found] = []] = await runBatch(
    db,
    [leader, dispossess, take].map((text) => statement(db, text, ...values)),
  );
  return found ? Number(found['id']) : null;
}

/**
 * The name of the account with these workspaces and keys, as it is known: a workspace of it, also one that is gone by now.
 * @param hashes of its keys
 */
export async function findAccount(
  db: Db,
  userId: number,
  workspaceIds: readonly string[],
  hashes: readonly string[],
): Promise<string | null> {
  const text = `SELECT u.account FROM upstream_key AS u WHERE u.user_id = ?1 AND u.account IS NOT NULL
    AND (u.account IN (SELECT value FROM json_each(?2)) OR u.workspace_id IN (SELECT value FROM json_each(?2))
      OR u.hash IN (SELECT value FROM json_each(?3))) ORDER BY u.id LIMIT 1`;
  const [[row] = []] = await runBatch(db, [statement(db, text, userId, JSON.stringify(workspaceIds), JSON.stringify(hashes))]);
  return row ? String(row['account']) : null;
}

/** Notes that an account was listed: its balance (null: it could not be read), who reads it, and when. */
export async function noteListing(
  db: Db,
  userId: number,
  managementId: number,
  listing: { leaderId: number | null; credits: Credits | null; listedAt: number },
): Promise<void> {
  const text = `UPDATE management SET leader_id = ?3, total_credits_nano = coalesce(?4, total_credits_nano),
    total_usage_nano = coalesce(?5, total_usage_nano), listed_at = ?6 WHERE user_id = ?1 AND api_key_id = ?2`;
  const { leaderId, credits, listedAt } = listing;
  const values = [credits?.totalCreditsNano ?? null, credits?.totalUsageNano ?? null, listedAt];
  await runBatch(db, [statement(db, text, userId, managementId, leaderId, ...values)]);
}

/** Is the account still this key's to read, and the key still a management key? Its text may be another one by now. */
const IS_OURS = `EXISTS (SELECT 1 FROM workspace AS w JOIN api_key AS m ON m.id = w.management_id AND m.kind = 'management'
  WHERE w.user_id = ?1 AND w.management_id = ?2)`;

/**
 * What was read of the account before goes on under this management key, keys that are listed no more included. What it read of another
 * account, when it had another text, it leaves as it is. When it last listed all of an account does not count for one that it takes over:
 * keys may have gone since.
 */
const MOVE_ACCOUNT = [
  `UPDATE management SET complete_at = NULL WHERE user_id = ?1 AND api_key_id = ?2 AND complete_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM upstream_key WHERE user_id = ?1 AND account = ?3 AND hash IS NULL AND management_id = ?2)`,
  `UPDATE upstream_key SET management_id = NULL, read_version = read_version + 1
    WHERE user_id = ?1 AND management_id = ?2 AND account IS NOT ?3 AND ${IS_OURS}`,
  `UPDATE upstream_key SET management_id = ?2, api_key_id = iif(hash IS NULL, ?2, api_key_id), read_version = read_version + 1
    WHERE user_id = ?1 AND account = ?3 AND management_id IS NOT ?2 AND ${IS_OURS}`,
];

/**
 * A discovered key follows its name upstream, unless its user gave it another. Comes before its name upstream is set. What is to be renamed
 * is found first, and the pluses leave each index but the ids' aside: else SQLite walks all keys of the user for each key that is listed.
 */
const FOLLOW_NAMES = `WITH next AS MATERIALIZED (SELECT k.id, ${field('keyName')} AS name FROM json_each(?3) AS j
    CROSS JOIN upstream_key AS u ON u.user_id = ?1 AND u.hash = ${field('hash')} AND +u.management_id = ?2
    CROSS JOIN api_key AS k ON k.user_id = ?1 AND k.hash = u.hash AND k.kind = 'discovered' AND k.name = u.name AND k.name <> ${field('keyName')})
  UPDATE api_key SET name = next.name FROM next WHERE api_key.id = next.id`;

/** Each key that the user does not have, and that no key of the user was before, becomes a discovered one. */
const DISCOVER = `INSERT INTO api_key (user_id, kind, name, hash, label, health, created_at)
  SELECT ?1, 'discovered', ${field('keyName')}, ${field('hash')}, ${field('label')}, 'unverified', ?4 FROM json_each(?3) AS j
  WHERE ${IS_OURS} AND NOT EXISTS (SELECT 1 FROM api_key AS k WHERE k.user_id = ?1 AND k.hash = ${field('hash')})
    AND NOT EXISTS (SELECT 1 FROM api_key_alias AS a WHERE a.user_id = ?1 AND a.hash = ${field('hash')})`;

const LISTED = {
  management_id: '?2',
  account: '?5',
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
const USED = { last_used_at: field('lastUsedAt') };
const COLUMNS = { ...LISTED, ...USED };
const COLUMN_NAMES = Object.keys(COLUMNS);
const namesIn = (table: string, columns: object): string =>
  ['api_key_id', ...Object.keys(columns)].map((name) => `${table}.${name}`).join(', ');
const differsIn = (columns: object): string => `(${namesIn('upstream_key', columns)}) IS NOT (${namesIn('excluded', columns)})`;

/** Sets what OpenRouter says of the account's keys, each belonging to the key that has, or had, its text. Writes only what changed. */
const SET_UPSTREAM_KEYS = `INSERT INTO upstream_key (user_id, hash, api_key_id, created_at, counted_at, ${COLUMN_NAMES.join(', ')})
  SELECT ?1, ${field('hash')}, coalesce(k.id, a.api_key_id), ${field('createdAt')}, ?4, ${Object.values(COLUMNS).join(', ')}
  FROM json_each(?3) AS j LEFT JOIN api_key AS k ON k.user_id = ?1 AND k.hash = ${field('hash')}
    LEFT JOIN api_key_alias AS a ON a.user_id = ?1 AND a.hash = ${field('hash')}
  WHERE coalesce(k.id, a.api_key_id) IS NOT NULL AND ${IS_OURS}
  ON CONFLICT (user_id, hash) DO UPDATE SET api_key_id = excluded.api_key_id,
    counted_at = iif(${differsIn(LISTED)}, excluded.counted_at, upstream_key.counted_at),
    ${COLUMN_NAMES.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE ${differsIn(COLUMNS)}`;

const ADD_OUTSIDE = `INSERT INTO upstream_key (user_id, api_key_id, management_id, account, created_at) SELECT ?1, ?2, ?2, ?3, 0
  WHERE NOT EXISTS (SELECT 1 FROM upstream_key WHERE user_id = ?1 AND account = ?3 AND hash IS NULL)
    AND ${IS_OURS}`;

/** Keys that OpenRouter lists no more keep their history. */
const MARK_VANISHED = `UPDATE upstream_key SET vanished_at = ?4 FROM json_each(?3) AS j
  WHERE upstream_key.id = j.value AND upstream_key.user_id = ?1 AND upstream_key.management_id = ?2`;
const END_VANISHED = `UPDATE api_key SET health = 'invalid', last_error = ?4 FROM json_each(?3) AS j CROSS JOIN upstream_key AS u
  WHERE u.id = j.value AND u.user_id = ?1 AND u.management_id = ?2
    AND api_key.user_id = ?1 AND api_key.hash = u.hash AND api_key.kind = 'discovered'`;

/** About 700 bytes each, so that a parameter stays far below D1's 2 MB. */
const RECORDS_A_SLICE = 1000;

/** In one transaction with the keys: one that goes later is doubted, one that went before is back. */
const NOTE_COMPLETE = `UPDATE management SET complete_at = ?3 WHERE user_id = ?1 AND api_key_id = ?2 AND ${IS_OURS}`;

const DROP_WORKSPACES = `DELETE FROM workspace WHERE user_id = ?1 AND management_id = ?2 AND id NOT IN (SELECT value FROM json_each(?3))`;

export interface Listing {
  /** Names the account. */
  account: string;
  workspaceIds: readonly string[];
  /** `keyName`: what a discovered key is called. */
  records: readonly (KeyRecord & { keyName: string })[];
  /** Ids of upstream keys that are listed no more. */
  vanished: readonly number[];
  /** Epoch milliseconds when the listing began. */
  at: number;
  /** Was all of the account listed? */
  isComplete: boolean;
}

/** Lets a management key read an account: what was read of it before goes on under this key. */
export async function moveAccount(db: Db, userId: number, managementId: number, account: string): Promise<void> {
  await runBatch(
    db,
    MOVE_ACCOUNT.map((text) => statement(db, text, userId, managementId, account)),
  );
}

/** Applies a listing of an account's keys. */
export async function applyListing(
  db: Db,
  userId: number,
  managementId: number,
  { account, workspaceIds, records, vanished, at, isComplete }: Listing,
  vanishedError: string,
): Promise<void> {
  const gone = [userId, managementId, JSON.stringify(vanished)] as const;
  await runBatch(db, [
    ...slicesOf(records, RECORDS_A_SLICE).flatMap((slice) => {
      const listing = [userId, managementId, JSON.stringify(slice)] as const;
      return [
        statement(db, FOLLOW_NAMES, ...listing),
        statement(db, DISCOVER, ...listing, at),
        statement(db, SET_UPSTREAM_KEYS, ...listing, at, account),
      ];
    }),
    statement(db, ADD_OUTSIDE, userId, managementId, account),
    statement(db, DROP_WORKSPACES, userId, managementId, JSON.stringify(workspaceIds)),
    ...(vanished.length > 0 ? [statement(db, MARK_VANISHED, ...gone, at), statement(db, END_VANISHED, ...gone, vanishedError)] : []),
    ...(isComplete ? [statement(db, NOTE_COMPLETE, userId, managementId, at)] : []),
  ]);
}
