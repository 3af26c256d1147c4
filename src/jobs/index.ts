/** Crons start jobs, queue messages do the work. What is due comes from the database, not from the cron's time. */
import { workOnAction, workOnDueActions } from '../alerts/breaker/actions.ts';
import { evaluateUnread, evaluateUsers } from '../alerts/evaluation/evaluate.ts';
import { deliverEvent, resendDue } from '../alerts/events/delivery.ts';
import type { Deps } from '../deps.ts';
import { type RewrapStep, rewrapStep, startRewrap } from '../rewrap/actions.ts';
import { accountMessage } from './account.ts';
import { cleanupMessage, purgeMessage, startCleanup } from './cleanup.ts';
import { enqueueDueKeys, keysMessage } from './keys.ts';
import { type Counts, CRONS, type Delivery, type JobMessage, type JobName, latestSlot, messageSchema } from './model.ts';
import * as store from './store.ts';

/** Started by any cron if their own did not run. The hourly job needs none: the next hour makes up for it. */
const CATCH_UP_JOBS: readonly JobName[] = ['validate', 'cleanup'];

async function start(deps: Deps, job: JobName, at: number): Promise<void> {
  const slot = new Date(at).toISOString();
  const counts: Counts = await (job === 'cleanup' ? startCleanup(deps, slot) : enqueueDueKeys(deps, job, slot));
  await store.insertRing(deps.db, job, slot, deps.now(), counts);
}

const rewrapMessage = (step: RewrapStep): JobMessage => ({ job: 'rewrap', ...step });

const enqueueRewrap = async (deps: Deps): Promise<void> => deps.enqueue((await startRewrap(deps)).map(rewrapMessage));

async function goOnRewrapping(deps: Deps, step: RewrapStep): Promise<void> {
  const next = await rewrapStep(deps, step);
  if (next) await deps.enqueue([rewrapMessage(next)]);
}

/** Also starts daily and weekly jobs that missed a run. @param scheduledAt epoch milliseconds; may come late, twice or overlapping */
export async function onCron(deps: Deps, cron: string, scheduledAt: number): Promise<void> {
  const job = CRONS[cron];
  if (!job) throw new Error('No job belongs to this cron');
  const now = deps.now();
  const slots = CATCH_UP_JOBS.filter((other) => other !== job).map((other) => ({ job: other, at: latestSlot(other, now) }));
  const started = await store.listStarted(
    deps.db,
    slots.map(({ job: other, at }) => ({ job: other, slot: new Date(at).toISOString() })),
  );
  const due = [{ job, at: Math.min(scheduledAt, now) }, ...slots.filter((slot) => !started.has(slot.job))];
  const outcomes = await Promise.allSettled([
    ...due.map((entry) => start(deps, entry.job, entry.at)),
    resendDue(deps),
    workOnDueActions(deps),
    ...(job === 'sync' ? [evaluateUnread(deps), enqueueRewrap(deps)] : []),
  ]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

const DONE: Delivery = { kind: 'ack' };

async function work(deps: Deps, message: JobMessage): Promise<Delivery> {
  switch (message.job) {
    case 'sync':
    case 'validate':
    case 'manual':
      return keysMessage(deps, message);
    case 'account':
      return accountMessage(deps, message);
    case 'cleanup':
      return cleanupMessage(deps, message);
    case 'purge':
      return purgeMessage(deps);
    case 'rewrap':
      await goOnRewrapping(deps, message);
      return DONE;
    case 'evaluate':
      await evaluateUsers(deps, message.userIds);
      return DONE;
    case 'breaker':
      await workOnAction(deps, message.actionId);
      return DONE;
    case 'alert': {
      const waitS = await deliverEvent(deps, message);
      return waitS === null ? DONE : { kind: 'retry', delayS: waitS };
    }
  }
}

/** A message that does not parse is acknowledged: it would not parse later either. */
export async function deliver(deps: Deps, body: unknown): Promise<Delivery> {
  const message = messageSchema.safeParse(body);
  return message.success ? work(deps, message.data) : { kind: 'ack' };
}

/** Shows a dead letter in the job's run and in `/health`. */
export async function onDeadLetter(deps: Deps, body: unknown): Promise<void> {
  const message = messageSchema.safeParse(body);
  if (!message.success || !('part' in message.data)) return;
  await store.failPart(deps.db, message.data, deps.now(), 'The queue gave up on this part after several failures.');
}
