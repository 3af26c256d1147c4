/** Reads what OpenRouter lists of an account, and applies it: workspaces, keys, balance. A constant number of calls a page. */

import pMap from 'p-map';
import type { Deps } from '../deps.ts';
import type { UpstreamKey } from '../inventory/model.ts';
import { KEY_ENDS, type KeyRow } from '../inventory/model.ts';
import { listDiscoveredSamples, listKeysByHash } from '../inventory/store.ts';
import { dayOf, listDays } from '../lib/day.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { KeyRecord, Workspace } from '../openrouter/account.ts';
import type { OpenRouterError } from '../openrouter/client.ts';
import { LATE_MS } from '../usage/coverage/secrets.ts';
import { applyReadings, type Reading } from './keys.ts';
import { applyListing, claimAccount, findReadAccount, noteListing } from './listing-store.ts';
import { listAccountKeys } from './store.ts';
import { describeReadError, judgeRecord } from './verdict.ts';

/** Workspaces whose keys are listed at once; Workers open at most 6 connections. */
const MAX_SIMULTANEOUS = 4;
const MAX_NAME_LENGTH = 100;

interface Listed {
  records: KeyRecord[];
  /** Why some workspace could not be listed; null: all were. */
  gap: string | null;
}

/** The keys of all workspaces. One that cannot be read does not keep the others from being read. */
async function listRecords(deps: Deps, secret: string, workspaces: readonly Workspace[]): Promise<Result<Listed, OpenRouterError>> {
  const answers = await pMap(workspaces, async ({ id }) => deps.openrouter.listKeys(secret, id), { concurrency: MAX_SIMULTANEOUS });
  const failures = answers.flatMap((answer) => (answer.ok ? [] : answer.error));
  const [first] = failures;
  if (first && failures.length === answers.length) return err(first);
  const gap = first ? `${failures.length} of ${answers.length} workspaces could not be synced. ${describeReadError(first)}` : null;
  const byHash = new Map(answers.flatMap((answer) => (answer.ok ? answer.value.map((record) => [record.hash, record] as const) : [])));
  return ok({ records: [...byHash.values()], gap });
}

/**
 * Keys that are listed no more, if everything was listed: a key may have moved to a workspace that could not be read. A page can
 * miss a key while another one is deleted; it is back with the next listing.
 */
export function findVanished(known: readonly Pick<UpstreamKey, 'id' | 'hash' | 'vanishedAt'>[], { records, gap }: Listed): number[] {
  if (gap !== null) return [];
  const listed = new Set(records.map(({ hash }) => hash));
  return known.flatMap(({ id, hash, vanishedAt }) => (vanishedAt === null && !listed.has(hash) ? id : []));
}

/** What only a key itself can tell. */
const OF_RECORDS = { isManagementKey: false, organizationId: null, allowedDataRegions: [], freeRequests: null };

/** What a discovered key is called: its name upstream, or its mask if it has none. */
const keyNameOf = ({ name, label }: KeyRecord): string => name.trim().slice(0, MAX_NAME_LENGTH) || label;

/**
 * Books the counters of the discovered keys. Keys that the user added tell their counters themselves.
 * @param bases where the keys stood before they were listed: what another listing has sampled since may be newer than this one
 */
async function sampleDiscovered(
  deps: Deps,
  userId: number,
  records: readonly KeyRecord[],
  bases: ReadonlyMap<string, number | null>,
  at: number,
  runId: string,
): Promise<void> {
  const byHash = new Map(records.map((record) => [record.hash, record]));
  const keys = await listKeysByHash(deps.db, userId, [...byHash.keys()]);
  const readings = keys.flatMap((key): Reading[] => {
    const record = byHash.get(key.hash);
    const isAtBase = key.lastSampleAt === (bases.get(key.hash) ?? null);
    if (key.kind !== 'discovered' || !key.isActive || !record || !isAtBase) return [];
    return [{ key, at, result: ok({ ...record, ...OF_RECORDS }), verdict: judgeRecord(record, at) }];
  });
  if (readings.length > 0) await applyReadings(deps, readings, runId);
}

/**
 * Lists the account behind a management key and applies what came back. If another management key of the user reads the same account
 * already, this one leaves it to that one.
 * @returns whether this key reads the account, and what could not be listed of it
 */
export async function readListing(
  deps: Deps,
  key: KeyRow,
  secret: string,
  runId: string,
): Promise<Result<{ isReader: boolean; gap: string | null; at: number }, OpenRouterError>> {
  const at = deps.now();
  const [workspaces, credits] = await Promise.all([deps.openrouter.listWorkspaces(secret), deps.openrouter.getCredits(secret)]);
  if (!workspaces.ok) return workspaces;
  if (workspaces.value.length === 0) return err({ kind: 'unexpected_shape', path: 'an account without a workspace' });
  const note = async (accountId: number, isReader: boolean, gap: string | null) => {
    await noteListing(deps.db, key.userId, key.id, {
      accountId,
      openedBy: key.hash,
      credits: credits.ok ? credits.value : null,
      listedAt: at,
    });
    return ok({ isReader, gap, at });
  };
  const ids = workspaces.value.map(({ id }) => id);
  const readByOther = await findReadAccount(deps.db, key.userId, key.id, ids, at);
  if (readByOther !== null) return note(readByOther, false, null);
  const bases = await listDiscoveredSamples(deps.db, key.userId);
  const listed = await listRecords(deps, secret, workspaces.value);
  if (!listed.ok) return listed;
  const place = { workspaces: workspaces.value, hashes: listed.value.records.map(({ hash }) => hash), openedBy: key.hash };
  const claimed = await claimAccount(deps.db, key.userId, key.id, place, at);
  if (claimed === null) return ok({ isReader: false, gap: null, at });
  if (!claimed.isReader) return note(claimed.id, false, null);
  await applyListing(
    deps.db,
    key.userId,
    key.id,
    {
      accountId: claimed.id,
      managerUpstreamId: key.upstreamKeyId,
      days: listDays(dayOf((claimed.listedAt ?? at) - LATE_MS), dayOf(at)),
      records: listed.value.records.map((record) => ({ ...record, keyName: keyNameOf(record) })),
      vanished: findVanished(await listAccountKeys(deps.db, key.userId, key.id), listed.value),
      at,
      isComplete: listed.value.gap === null,
    },
    KEY_ENDS.vanished,
  );
  await sampleDiscovered(deps, key.userId, listed.value.records, bases, at, runId);
  return note(claimed.id, true, listed.value.gap);
}
