/** Reads keys: ask (6 at once), judge, one transaction. Of overlapping readings of a key, the sample that each started from decides. */
import pMap from 'p-map';
import { type CipherError, decrypt } from '../crypto/cipher.ts';
import { runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import { CIPHERTEXT_COLUMN, type KeyRow } from '../inventory/model.ts';
import { err, type Result } from '../lib/result.ts';
import { slicesOf } from '../lib/slices.ts';
import type { KeyInfo } from '../openrouter/schema.ts';
import { addPosting, type DayAmounts, postSample } from '../usage/booking/counters.ts';
import { resolveDaysStatementAcrossUsers } from '../usage/booking/source-store.ts';
import { type DayKey, type DayWrite, listCountedDaysAcrossUsers, setCountedStatementAcrossUsers } from '../usage/sources/store.ts';
import { type Base, moveSamplesStatementsAcrossUsers, recordFailuresStatementAcrossUsers } from './key-store.ts';
import { judgeFailure, type KeyFailure, type ReadError, sampleOf, sampleSeriesOf, type Verdict } from './verdict.ts';

/** Workers open at most 6 connections at once. Source: https://developers.cloudflare.com/workers/platform/limits/ */
const MAX_SIMULTANEOUS = 6;

/** About 300 bytes each: keeps a parameter far below D1's 2 MB, however long a gap was. */
const POSTINGS_A_SLICE = 2000;

export interface Reading {
  key: KeyRow;
  at: number;
  result: Result<KeyInfo, ReadError>;
  verdict?: Verdict;
}

const WELL: Verdict = { health: 'active', lastError: null };

export async function openSecret(deps: Deps, key: KeyRow): Promise<Result<string, CipherError>> {
  const place = { column: CIPHERTEXT_COLUMN, userId: key.userId, hash: key.hash };
  return key.ciphertext === null ? err({ kind: 'broken' }) : decrypt(deps.config.keyring, place, key.ciphertext);
}

async function readKey(deps: Deps, key: KeyRow): Promise<Reading> {
  const secret = await openSecret(deps, key);
  const at = deps.now();
  if (!secret.ok) return { key, at, result: err({ kind: 'undecipherable', error: secret.error }) };
  return { key, at, result: await deps.openrouter.getKey(secret.value) };
}

/** A failure of one key does not affect the others. */
export const readKeys = (deps: Deps, keys: readonly KeyRow[]): Promise<Reading[]> =>
  pMap(keys, (key) => readKey(deps, key), { concurrency: MAX_SIMULTANEOUS });

const baseOf = ({ key }: Reading): Base => ({
  upstreamKeyId: key.upstreamKeyId,
  baseSampleAt: key.lastSampleAt,
  baseRejectedRun: key.rejectedRun,
});

const nameOf = ({ upstreamKeyId, day }: DayKey): string => `${upstreamKeyId}/${day}`;

type Posting = DayKey & DayAmounts & Base;

interface Judged {
  sample: (Base & KeyInfo & Verdict & { at: number }) | null;
  failure: (Base & KeyFailure) | null;
  postings: Posting[];
}

/** A sample with postings, or a failure. Samples that are not newer are dropped. */
function judge(reading: Reading, runId: string): Judged[] {
  const { key, at, result, verdict = WELL } = reading;
  const base = baseOf(reading);
  if (!result.ok) return [{ sample: null, failure: { ...base, ...judgeFailure(key, result.error, runId, at) }, postings: [] }];
  if (key.lastSampleAt !== null && at <= key.lastSampleAt) return [];
  const postings = postSample(sampleSeriesOf(key), sampleOf(result.value, at));
  return [
    {
      sample: { ...base, ...result.value, ...verdict, at },
      failure: null,
      postings: postings.map((posting) => ({ ...posting, ...base, userId: key.userId })),
    },
  ];
}

async function computeDays(deps: Deps, postings: readonly Posting[]): Promise<DayWrite[]> {
  const names = postings.map(({ userId, upstreamKeyId, day }) => ({ userId, upstreamKeyId, day }));
  const stored = new Map((await listCountedDaysAcrossUsers(deps.db, names)).map((row) => [nameOf(row), row]));
  return postings.map((posting) => ({ ...posting, ...addPosting(stored.get(nameOf(posting)) ?? null, posting) }));
}

async function applySlice(deps: Deps, judged: readonly Judged[]): Promise<number[]> {
  const days = await computeDays(
    deps,
    judged.flatMap(({ postings }) => postings),
  );
  const applied = await runBatch(deps.db, [
    ...(days.length > 0 ? [setCountedStatementAcrossUsers(deps.db, days)] : []),
    ...moveSamplesStatementsAcrossUsers(
      deps.db,
      judged.flatMap(({ sample }) => sample ?? []),
    ),
    recordFailuresStatementAcrossUsers(
      deps.db,
      judged.flatMap(({ failure }) => failure ?? []),
    ),
    resolveDaysStatementAcrossUsers(
      deps.db,
      judged.flatMap(({ sample, failure }) => (sample ?? failure)?.upstreamKeyId ?? []),
      [...new Set(days.map(({ day }) => day))],
    ),
  ]);
  return applied.flat().map((row) => Number(row['id']));
}

/**
 * Ledger rows, then samples, only where a key still has the sample from which the reading started.
 * @param runId a second rejection counts only in another run
 * @returns ids of the upstream keys that changed; the others were read meanwhile, or are gone
 */
export async function applyReadings(deps: Deps, readings: readonly Reading[], runId: string): Promise<Set<number>> {
  const applied = new Set<number>();
  const judged = readings.flatMap((reading) => judge(reading, runId));
  for (const slice of slicesOf(judged, POSTINGS_A_SLICE, ({ postings }) => postings.length)) {
    for (const id of await applySlice(deps, slice)) applied.add(id);
  }
  return applied;
}
