/** One message is one step of syncing an account. The database holds what comes next, so any step may be lost. */
import { evaluateSoon } from '../alerts/evaluation/evaluate.ts';
import type { Deps } from '../deps.ts';
import { accountStep } from '../sync/step.ts';
import type { Delivery, JobMessage } from './model.ts';

export async function accountMessage(deps: Deps, message: Extract<JobMessage, { job: 'account' }>): Promise<Delivery> {
  const outcome = await accountStep(deps, message);
  if (outcome.kind === 'busy') return { kind: 'retry', delayS: outcome.delayS };
  if (outcome.kind === 'more')
    await deps.enqueue([{ ...message, failed: outcome.failed, reach: outcome.reach, attempt: outcome.attempt }], outcome.delayS);
  if (outcome.kind === 'done') await evaluateSoon(deps, [message.userId]);
  return { kind: 'ack' };
}
