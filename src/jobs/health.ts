import type { Actor } from '../actor.ts';
import { runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import { fail } from '../errors.ts';
import { isoOrNull } from '../lib/day.ts';
import { kidsOf } from '../rewrap/actions.ts';
import { kidsStatementsAcrossUsers } from '../rewrap/store.ts';
import { addCounts, type Counts, isOverdue, JOBS, type JobName } from './model.ts';
import * as store from './store.ts';

type Row = Record<string, unknown>;

function presentRun(rows: Row[]) {
  const [first] = rows;
  if (!first) return null;
  return {
    slot: String(first['slot']),
    parts: rows.filter((row) => Number(row['part']) > 0).length,
    unfinished: rows.filter((row) => row['finished_at'] === null).length,
    counts: rows.map((row): Counts => JSON.parse(String(row['counts']))).reduce(addCounts, {}),
    errors: rows.flatMap((row) => (row['error'] === null ? [] : [String(row['error'])])),
  };
}

/**
 * A signed-in user also sees counts and errors of the last runs.
 * @throws AppFailure `misconfigured` (503) if the keyring lacks a key that a ciphertext needs
 */
export async function getHealth(deps: Deps, actor: Actor) {
  const isSignedIn = actor.kind === 'user';
  const statements = JOBS.flatMap((job) => [
    store.lastSuccessStatement(deps.db, job),
    ...(isSignedIn ? [store.latestRunStatement(deps.db, job)] : []),
  ]);
  const kidsStatements = kidsStatementsAcrossUsers(deps.db);
  const answers = await runBatch(deps.db, [...kidsStatements, ...statements]);
  const kids = kidsOf(answers.slice(0, kidsStatements.length));
  const results = answers.slice(kidsStatements.length);
  const missing = kids.filter((kid) => deps.config.keyring.every((entry) => entry.kid !== kid));
  if (missing.length > 0) {
    const names = isSignedIn ? `: ${missing.join(', ')}` : '';
    fail({ kind: 'misconfigured', detail: `ENCRYPTION_KEYS lacks a key that stored secrets need${names}.` });
  }
  const now = deps.now();
  const perJob = isSignedIn ? 2 : 1;
  const stateOf = (job: JobName) => {
    const index = JOBS.indexOf(job) * perJob;
    const finishedAt = results[index]?.[0]?.['finished_at'];
    const lastSuccessAt = finishedAt === undefined ? null : Number(finishedAt);
    const state = {
      last_success_at: isoOrNull(lastSuccessAt),
      is_overdue: isOverdue(job, lastSuccessAt, now),
      never_ran: lastSuccessAt === null,
    };
    return isSignedIn ? { ...state, last_run: presentRun(results[index + 1] ?? []) } : state;
  };
  const [current] = deps.config.keyring;
  return {
    status: 'ok' as const,
    jobs: { sync: stateOf('sync'), validate: stateOf('validate'), cleanup: stateOf('cleanup') },
    ...(isSignedIn && { encryption_keys: { current: current?.kid ?? '', in_use: kids } }),
  };
}
