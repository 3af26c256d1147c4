import { deleteOldEvents } from '../alerts/events/delivery.ts';
import { AUDIT_RETENTION_DAYS } from '../audit/model.ts';
import * as audit from '../audit/store.ts';
import type { Deps } from '../deps.ts';
import { addDays, DAY_MS, dayOf, MINUTE_MS } from '../lib/day.ts';
import * as tokens from '../tokens/store.ts';
import * as usage from '../usage/booking/retention-store.ts';
import { FAILURE_WINDOW_MS } from '../users/model.ts';
import * as accounts from '../users/store.ts';
import { withLease } from './lease.ts';
import { addCounts, type CleanupStep, type Counts, type Delivery, type JobMessage } from './model.ts';
import * as store from './store.ts';

const ROWS_A_STEP = 5000;
const USERS_A_STEP = 100;
/** A step has at most three statements, mostly one: an invocation stays within the Free plan's 50. */
const STEPS_A_MESSAGE = 20;
const LEASE_MS = 5 * MINUTE_MS;
const JOB_RUN_RETENTION_DAYS = 30;

/** Deletes up to `limit` rows, of all users or of those given, and returns how many. */
type Task =
  | { name: string; run(deps: Deps, now: number, limit: number): Promise<number> }
  | { name: string; table: usage.DayTable; runForUsers(deps: Deps, now: number, limit: number, userIds: number[]): Promise<number> };

const daysAgo = (now: number, days: number): string => addDays(dayOf(now), -days);

const days = (name: string, table: usage.DayTable): Task => ({
  name,
  table,
  runForUsers: ({ db, config }, now, limit, userIds) =>
    usage.deleteDaysBeforeAcrossUsers(db, table, userIds, daysAgo(now, config.retentionDays), limit),
});

const hours = (name: string, table: usage.HourlyTable): Task => ({
  name,
  table,
  runForUsers: ({ db, config }, now, limit, userIds) =>
    usage.forgetHoursBeforeAcrossUsers(db, table, userIds, daysAgo(now, config.hourlyRetentionDays), limit),
});

/** Deletes what remains of deleted keys and users. If there is more, it continues in a message of its own. */
async function purge(deps: Deps, limit: number): Promise<number> {
  const { deleted, isDone } = await usage.purgeStepAcrossUsers(deps.db, limit);
  if (!isDone) await deps.enqueue([{ job: 'purge' }]);
  return deleted;
}

export const TASKS: readonly Task[] = [
  { name: 'sessions', run: ({ db }, now, limit) => accounts.deleteSessionsBeforeAcrossUsers(db, now, limit) },
  { name: 'links', run: ({ db }, now, limit) => accounts.deleteLinksBeforeAcrossUsers(db, now, limit) },
  { name: 'sign_in_failures', run: ({ db }, now, limit) => accounts.deleteFailuresBeforeAcrossUsers(db, now - FAILURE_WINDOW_MS, limit) },
  {
    name: 'revoked_tokens',
    run: ({ db, config }, now, limit) => tokens.deleteRevokedAcrossUsers(db, now - config.retentionDays * DAY_MS, limit),
  },
  {
    name: 'job_runs',
    run: ({ db }, now, limit) => store.deleteRunsBefore(db, new Date(now - JOB_RUN_RETENTION_DAYS * DAY_MS).toISOString(), limit),
  },
  {
    name: 'audit_events',
    run: ({ db }, now, limit) => audit.deleteEventsBeforeAcrossUsers(db, now - AUDIT_RETENTION_DAYS * DAY_MS, limit),
  },
  { name: 'alerts', run: deleteOldEvents },
  // Below `limit`, so that the cleanup moves on to its next task.
  { name: 'purged', run: async (deps, _now, limit) => Math.min(await purge(deps, limit), limit - 1) },
  days('days', 'key_day'),
  days('usage_days', 'usage_day'),
  days('account_days', 'account_day'),
  days('account_checks', 'account_check'),
  days('day_sums', 'day_sum'),
  hours('hours', 'key_day'),
  hours('usage_hours', 'usage_day'),
  hours('account_hours', 'account_day'),
];

export function nextStep(step: CleanupStep, deleted: number, limit: number, lastUserId: number | null): CleanupStep {
  if (deleted >= limit) return step;
  return lastUserId === null ? { task: step.task + 1, afterUserId: 0 } : { task: step.task, afterUserId: lastUserId };
}

async function runStep(deps: Deps, step: CleanupStep, now: number, limit: number): Promise<{ next: CleanupStep; counts: Counts }> {
  const task = TASKS[step.task];
  if (!task) return { next: step, counts: {} };
  if ('run' in task) {
    const deleted = await task.run(deps, now, limit);
    return { next: nextStep(step, deleted, limit, null), counts: { [task.name]: deleted } };
  }
  const userIds = await usage.listUsersWithRowsAcrossUsers(deps.db, task.table, step.afterUserId, USERS_A_STEP);
  const deleted = userIds.length === 0 ? 0 : await task.runForUsers(deps, now, limit, userIds);
  return { next: nextStep(step, deleted, limit, userIds.at(-1) ?? null), counts: { [task.name]: deleted } };
}

export async function startCleanup(deps: Deps, slot: string): Promise<Counts> {
  await deps.enqueue([{ job: 'cleanup', slot, part: 1, step: { task: 0, afterUserId: 0 } }]);
  return { due: 1, messages: 1 };
}

export const cleanupMessage = (deps: Deps, message: Extract<JobMessage, { job: 'cleanup' }>, limit = ROWS_A_STEP): Promise<Delivery> =>
  withLease(deps, message, LEASE_MS, async () => {
    const now = deps.now();
    let { step } = message;
    let counts: Counts = {};
    let rows = 0;
    for (let steps = 0; steps < STEPS_A_MESSAGE && rows < limit && step.task < TASKS.length; steps++) {
      const done = await runStep(deps, step, now, limit);
      rows += Object.values(done.counts).reduce((sum, count) => sum + count, 0);
      counts = addCounts(counts, done.counts);
      step = done.next;
    }
    const isDone = step.task >= TASKS.length;
    if (!isDone) await deps.enqueue([{ ...message, part: message.part + 1, step }]);
    return { counts: isDone ? { ...counts, done: 1 } : counts, retryInS: null };
  });

export async function purgeMessage(deps: Deps): Promise<Delivery> {
  await purge(deps, ROWS_A_STEP);
  return { kind: 'ack' };
}
