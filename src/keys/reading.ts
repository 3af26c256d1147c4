/**
 * Reads keys from OpenRouter and writes what came back: ask (at most 6 at once), judge, then one transaction for all of them.
 * Who wins where two readings of a key overlap is decided there, by the sample from which each of them started.
 */
import pMap from 'p-map';
import { decrypt } from '../crypto/cipher.ts';
import { runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import { err, type Result } from '../lib/result.ts';
import type { KeyInfo } from '../openrouter/schema.ts';
import { addPosting, type DayAmounts, postSample } from '../usage/ledger.ts';
import { type DayKey, type DayWrite, listNamedDaysAcrossUsers, setDaysStatementAcrossUsers } from '../usage/store.ts';
import { judgeFailure, type KeyRow, type ReadError, sampleOf, seriesOf } from './model.ts';
import * as store from './store.ts';

/** Workers open at most 6 connections at once. Source: https://developers.cloudflare.com/workers/platform/limits/ */
const MAX_SIMULTANEOUS = 6;

/** The column that holds the ciphertext, as part of its additional data. */
export const CIPHERTEXT_COLUMN = 'api_key.ciphertext';

export interface Reading {
  key: KeyRow;
  /** When OpenRouter was asked, epoch milliseconds. */
  at: number;
  result: Result<KeyInfo, ReadError>;
}

async function readKey(deps: Deps, key: KeyRow): Promise<Reading> {
  const place = { column: CIPHERTEXT_COLUMN, userId: key.userId, hash: key.hash };
  const text = await decrypt(deps.config.keyring, place, key.ciphertext);
  const at = deps.now();
  if (!text.ok) return { key, at, result: err({ kind: 'undecipherable', error: text.error }) };
  return { key, at, result: await deps.openrouter.getKey(text.value) };
}

/** Asks OpenRouter about each key. A failure of one key is its own result and does not touch the others. */
export const readKeys = (deps: Deps, keys: readonly KeyRow[]): Promise<Reading[]> =>
  pMap(keys, (key) => readKey(deps, key), { concurrency: MAX_SIMULTANEOUS });

const baseOf = ({ key }: Reading): store.Base => ({ keyId: key.id, keyHash: key.hash, baseSampleAt: key.lastSampleAt });

const nameOf = ({ userId, keyId, day }: DayKey): string => `${userId}/${keyId}/${day}`;

/** The ledger rows that the readings' samples lead to. */
async function computeDays(deps: Deps, readings: readonly (Reading & { info: KeyInfo })[]): Promise<DayWrite[]> {
  const postings = readings.flatMap((reading): (DayKey & DayAmounts & store.Base)[] =>
    postSample(seriesOf(reading.key), sampleOf(reading.info, reading.at)).map((posting) => ({
      ...posting,
      ...baseOf(reading),
      userId: reading.key.userId,
    })),
  );
  const names = postings.map(({ userId, keyId, day }) => ({ userId, keyId, day }));
  const stored = new Map((await listNamedDaysAcrossUsers(deps.db, names)).map((row) => [nameOf(row), row]));
  return postings.map((posting) => ({ ...posting, ...addPosting(stored.get(nameOf(posting)) ?? null, posting) }));
}

/**
 * Applies readings in one transaction: ledger rows first, then the keys' samples, both only where a key still stands where the
 * reading started.
 * @param runId names the run, so that a second refusal counts only in another one
 * @returns the ids of the keys whose reading was applied; the others were read by somebody else meanwhile, or are gone
 */
export async function applyReadings(deps: Deps, readings: readonly Reading[], runId: string): Promise<Set<number>> {
  const samples: (Reading & { info: KeyInfo })[] = [];
  const failures: Parameters<typeof store.recordFailuresStatementAcrossUsers>[1][number][] = [];
  for (const reading of readings) {
    if (reading.result.ok) samples.push({ ...reading, info: reading.result.value });
    else failures.push({ ...baseOf(reading), ...judgeFailure(reading.key, reading.result.error, runId, reading.at) });
  }
  const days = await computeDays(deps, samples);
  const applied = await runBatch(deps.db, [
    ...(days.length > 0 ? [setDaysStatementAcrossUsers(deps.db, days)] : []),
    store.moveSamplesStatementAcrossUsers(
      deps.db,
      samples.map((reading) => ({ ...baseOf(reading), ...reading.info, at: reading.at })),
    ),
    store.recordFailuresStatementAcrossUsers(deps.db, failures),
  ]);
  return new Set(applied.flat().map((row) => Number(row['id'])));
}
