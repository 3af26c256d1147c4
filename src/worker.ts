import { createApp } from './app.ts';
import { createDeps } from './deps.ts';
import { deliver, onCron, onDeadLetter } from './jobs/index.ts';
import { fullJitter } from './lib/backoff.ts';
import { logError, logInfo } from './log.ts';
import { WIRING } from './wiring.ts';

export { PasswordHasher } from './password-hasher.ts';

const DEAD_LETTERS = /-dead$/;

const makeDeps = (env: Env, ctx: Pick<ExecutionContext, 'waitUntil'>) => createDeps(env, ctx, WIRING);

const app = createApp(makeDeps);

export default {
  fetch: app.fetch,

  async scheduled(event, env, ctx) {
    try {
      await onCron(makeDeps(env, ctx), event.cron, event.scheduledTime);
      logInfo('ring', { cron: event.cron });
    } catch (error) {
      logError('ring_failed', error, { cron: event.cron });
      throw new Error('ring failed');
    }
  },

  async queue(batch, env, ctx) {
    for (const message of batch.messages) {
      try {
        const deps = makeDeps(env, ctx);
        if (DEAD_LETTERS.test(batch.queue)) {
          logError('dead_letter', new Error('dead letter'), { queue: batch.queue, id: message.id });
          await onDeadLetter(deps, message.body);
          message.ack();
          continue;
        }
        const delivery = await deliver(deps, message.body);
        if (delivery.kind === 'ack') message.ack();
        else message.retry({ delaySeconds: delivery.delayS });
      } catch (error) {
        logError('message_failed', error, { queue: batch.queue, attempt: message.attempts });
        message.retry({ delaySeconds: fullJitter(message.attempts, Math.random()) });
      }
    }
  },
} satisfies ExportedHandler<Env>;
