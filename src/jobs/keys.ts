/** Sync, validation and on-demand sync of keys, one message at a time. */
import { evaluateSoon } from '../alerts/evaluation/evaluate.ts';
import type { Deps } from '../deps.ts';
import { fullJitter } from '../lib/backoff.ts';
import { MINUTE_MS } from '../lib/day.ts';
import { listDueKeysAcrossUsers, listOpenKeysAcrossUsers, type OpenKey, type ReadRun } from '../sync/key-store.ts';
import { applyReadings, type Reading, readKeys } from '../sync/keys.ts';
import { accountMessageOf } from '../sync/message.ts';
import { isTransient, retryAfterOf } from '../sync/verdict.ts';
import { withLease } from './lease.ts';
import { addCounts, type Counts, type Delivery, type JobMessage, type KeysMessage, packKeys } from './model.ts';

/** 20 keys, 6 requests at once, 10 seconds each. */
const LEASE_MS = 2 * MINUTE_MS;
/** Attempts for the keys of a message; after that the next run takes over. */
const MAX_ATTEMPTS = 4;
/** The next run handles a longer `Retry-After`. */
const MAX_WAIT_S = 15 * 60;
const IDS_A_PAGE = 2000;

const runOf = (job: ReadRun['kind'], slot: string): ReadRun => ({ kind: job, id: `${job} ${slot}`, since: Date.parse(slot) });

/** Enqueues all due keys. @returns how many are due, and how many wait for their `Retry-After` */
export async function enqueueDueKeys(deps: Deps, job: 'sync' | 'validate', slot: string): Promise<Counts> {
  const now = deps.now();
  const counts = { due: 0, postponed: 0, messages: 0 };
  for (let afterId: number | undefined = 0; afterId !== undefined; ) {
    const keys: OpenKey[] = await listOpenKeysAcrossUsers(deps.db, runOf(job, slot), afterId, IDS_A_PAGE);
    const due = keys.filter(({ retryAfter }) => retryAfter === null || retryAfter <= now).map(({ id }) => id);
    const messages = packKeys(job, slot, due);
    await deps.enqueue(messages);
    counts.due += due.length;
    counts.postponed += keys.length - due.length;
    counts.messages += messages.length;
    afterId = keys.length < IDS_A_PAGE ? undefined : keys.at(-1)?.id;
  }
  return counts;
}

function countReadings(readings: readonly Reading[], applied: ReadonlySet<number>): Counts {
  return readings.reduce<Counts>((counts, { key, result }) => {
    const outcome = !applied.has(key.id) ? 'superseded' : result.ok ? 'read' : result.error.kind;
    return addCounts(counts, { [outcome]: 1 });
  }, {});
}

/** Seconds until the failed keys are retried (the longest of their waits); null: no retry would help. */
export function retryDelay(readings: readonly Reading[], applied: ReadonlySet<number>, attempt: number, random: number): number | null {
  const waits = readings.flatMap(({ key, result }) => {
    if (!applied.has(key.id)) return [1];
    if (result.ok || !isTransient(result.error)) return [];
    return [retryAfterOf(result.error) ?? fullJitter(attempt, random)];
  });
  const bearable = waits.filter((wait) => wait <= MAX_WAIT_S);
  return bearable.length > 0 ? Math.max(1, ...bearable) : null;
}

/** Enqueued before the results are applied, so that none is lost. */
const accountMessages = (readings: readonly Reading[], slot: string): JobMessage[] =>
  readings.flatMap(({ key: { id, userId }, result }) =>
    result.ok && result.value.isManagementKey ? [accountMessageOf(slot, userId, id)] : [],
  );

export const keysMessage = (deps: Deps, message: KeysMessage): Promise<Delivery> =>
  withLease(deps, message, LEASE_MS, async (before) => {
    const run = runOf(message.job, message.slot);
    const keys = await listDueKeysAcrossUsers(deps.db, run, deps.now(), message.keyIds);
    const readings = await readKeys(deps, keys);
    await deps.enqueue(accountMessages(readings, message.slot));
    const applied = await applyReadings(deps, readings, run.id);
    // Rules also watch keys that could not be synced.
    await evaluateSoon(
      deps,
      keys.map(({ userId }) => userId),
    );
    const counts = addCounts(before, { attempts: 1, ...countReadings(readings, applied) });
    const attempt = counts['attempts'] ?? 1;
    return { counts, retryInS: attempt < MAX_ATTEMPTS ? retryDelay(readings, applied, attempt, deps.random()) : null };
  });
