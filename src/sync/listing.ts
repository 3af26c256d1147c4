/** Lists an account (workspaces, keys, balance) and applies the result. A constant number of calls a page. */
import pMap from 'p-map';
import type { Deps } from '../deps.ts';
import { KEY_ENDS, type KeyRow, type UpstreamKey } from '../inventory/model.ts';
import { listDiscoveredSamples, listKeysByHash } from '../inventory/store.ts';
import { dayOf, listDays } from '../lib/day.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { KeyRecord, Workspace } from '../openrouter/account.ts';
import type { OpenRouterError } from '../openrouter/failure.ts';
import { LATE_MS } from '../usage/coverage/secrets.ts';
import { applyReadings, type Reading } from './keys.ts';
import { applyListing, claimAccount, findReadAccount, noteListing } from './listing-store.ts';
import { listAccountKeys } from './store.ts';
import { describeReadError, judgeRecord } from './verdict.ts';

/** Workspaces at once; Workers open at most 6 connections. */
const MAX_SIMULTANEOUS = 4;
const MAX_NAME_LENGTH = 100;

interface Listed {
  records: KeyRecord[];
  /** Why a workspace is missing; null: none is. */
  gap: string | null;
}

/** One failing workspace does not stop the others. */
async function listRecords(deps: Deps, secret: string, workspaces: readonly Workspace[]): Promise<Result<Listed, OpenRouterError>> {
  const answers = await pMap(workspaces, async ({ id }) => deps.openrouter.listKeys(secret, id), { concurrency: MAX_SIMULTANEOUS });
  const failures = answers.flatMap((answer) => (answer.ok ? [] : answer.error));
  const [first] = failures;
  if (first && failures.length === answers.length) return err(first);
  const gap = first ? `${failures.length} of ${answers.length} workspaces could not be synced. ${describeReadError(first)}` : null;
  const byHash = new Map(answers.flatMap((answer) => (answer.ok ? answer.value.map((record) => [record.hash, record] as const) : [])));
  return ok({ records: [...byHash.values()], gap });
}

/** A key may have moved to a workspace that failed. A page can miss a key while another is deleted; the next listing has it again. */
export function findVanished(known: readonly Pick<UpstreamKey, 'id' | 'hash' | 'vanishedAt'>[], { records, gap }: Listed): number[] {
  if (gap !== null) return [];
  const listed = new Set(records.map(({ hash }) => hash));
  return known.flatMap(({ id, hash, vanishedAt }) => (vanishedAt === null && !listed.has(hash) ? id : []));
}

/** Only a key's own answer has these. */
const OF_RECORDS = { isManagementKey: false, organizationId: null, allowedDataRegions: [], freeRequests: null };

const keyNameOf = ({ name, label }: KeyRecord): string => name.trim().slice(0, MAX_NAME_LENGTH) || label;

/** Added keys are sampled by themselves. @param bases last samples before the listing: a later one may be newer than it */
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

/** Another management key of the user may already read the account. @returns whether this key reads it, and what could not be listed */
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
