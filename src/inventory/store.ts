/** SQL that reads keys, upstream keys and accounts. */
import { and, eq, getTableColumns, getViewSelectedFields, sql } from 'drizzle-orm';
import { type Db, prepareQuery, USER_ID } from '../db.ts';
import type { KeyRow, UpstreamKey } from './model.ts';
import { account, apiKey, management, reading, upstreamKey, workspace } from './table.ts';

export const OF_KEYS = and(eq(upstreamKey.userId, apiKey.userId), eq(upstreamKey.hash, apiKey.hash));

/** What a `KeyRow` is selected from, in SQL. */
export const KEYS = sql`${apiKey} CROSS JOIN ${upstreamKey} ON ${OF_KEYS}`;

/** The fields of a `KeyRow`. A key was checked when it was sampled, or refused. */
export const KEY_FIELDS = {
  ...getTableColumns(apiKey),
  // D1 tells the columns of a batch by their names, and both tables have an id.
  upstreamKeyId: sql<number>`+${upstreamKey.id}`,
  seriesStartedAt: upstreamKey.seriesStartedAt,
  lastSampleAt: upstreamKey.lastSampleAt,
  usageNano: upstreamKey.sampledNano,
  usageDailyNano: upstreamKey.sampledDailyNano,
  usageWeeklyNano: upstreamKey.sampledWeeklyNano,
  usageMonthlyNano: upstreamKey.sampledMonthlyNano,
  byokUsageNano: upstreamKey.sampledByokNano,
  byokUsageDailyNano: upstreamKey.sampledByokDailyNano,
  byokUsageWeeklyNano: upstreamKey.sampledByokWeeklyNano,
  byokUsageMonthlyNano: upstreamKey.sampledByokMonthlyNano,
  lastValidatedAt: sql<number | null>`nullif(max(coalesce(${apiKey.lastValidatedAt}, 0), coalesce(${upstreamKey.lastSampleAt}, 0)), 0)`,
};

export const fromKeys = (db: Db) => db.select(KEY_FIELDS).from(apiKey).innerJoin(upstreamKey, OF_KEYS);

const keys = prepareQuery(() => ({
  fields: KEY_FIELDS,
  rest: sql`FROM ${KEYS} WHERE ${apiKey.userId} = ${USER_ID} ORDER BY ${apiKey.id}`,
}));

/** Selects a user's keys, oldest first. */
export const selectKeys = (db: Db, userId: number) => keys(db, { userId });

/** Those of a user's keys with these hashes. */
export const listKeysByHash = (db: Db, userId: number, hashes: readonly string[]): Promise<KeyRow[]> =>
  fromKeys(db).where(and(eq(apiKey.userId, userId), sql`${apiKey.hash} IN (SELECT value FROM json_each(${JSON.stringify(hashes)}))`));

/** When each of a user's discovered keys was last sampled, by hash. */
export async function listDiscoveredSamples(db: Db, userId: number): Promise<Map<string, number | null>> {
  const rows = await db
    .select({ hash: apiKey.hash, at: upstreamKey.lastSampleAt })
    .from(apiKey)
    .innerJoin(upstreamKey, OF_KEYS)
    .where(and(eq(apiKey.userId, userId), eq(apiKey.kind, 'discovered')));
  return new Map(rows.map(({ hash, at }) => [hash, at]));
}

/** The user's key with this id. */
export async function findKey(db: Db, userId: number, id: number): Promise<KeyRow | null> {
  const [row] = await fromKeys(db).where(and(eq(apiKey.userId, userId), eq(apiKey.id, id)));
  return row ?? null;
}

/** Does a key with this id belong to anybody? */
export async function hasKeyAcrossUsers(db: Db, id: number): Promise<boolean> {
  const rows = await db.select({ id: apiKey.id }).from(apiKey).where(eq(apiKey.id, id));
  return rows.length > 0;
}

const readings = prepareQuery(() => ({
  fields: getViewSelectedFields(reading),
  rest: sql`FROM ${reading} WHERE ${reading.userId} = ${USER_ID}`,
}));

/** Selects how far each of a user's upstream keys was read. */
export const selectReadings = (db: Db, userId: number) => readings(db, { userId });

const accounts = prepareQuery(() => ({
  fields: getTableColumns(account),
  rest: sql`FROM ${account} WHERE ${account.userId} = ${USER_ID}`,
}));

/** Selects a user's accounts. */
export const selectAccounts = (db: Db, userId: number) => accounts(db, { userId });

const managements = prepareQuery(() => ({
  fields: getTableColumns(management),
  rest: sql`FROM ${management} WHERE ${management.userId} = ${USER_ID}`,
}));

/** Selects what a user's management keys know of their accounts. */
export const selectManagements = (db: Db, userId: number) => managements(db, { userId });

const workspaces = prepareQuery(() => ({
  fields: getTableColumns(workspace),
  rest: sql`FROM ${workspace} WHERE ${workspace.userId} = ${USER_ID}`,
}));

/** Selects a user's workspaces. */
export const selectWorkspaces = (db: Db, userId: number) => workspaces(db, { userId });

/** The user's key as OpenRouter knows it, by its hash. */
export async function findUpstreamKey(db: Db, userId: number, hash: string): Promise<UpstreamKey | null> {
  const [row] = await db
    .select()
    .from(reading)
    .where(and(eq(reading.userId, userId), eq(reading.hash, hash)));
  return row ?? null;
}
