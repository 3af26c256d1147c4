/** The Worker: wiring only. */
import { createApp } from './app.ts';
import { createDeps } from './deps.ts';
import { bury, deliver, ring } from './jobs/index.ts';
import { fullJitter } from './lib/backoff.ts';
import { logError, logInfo } from './log.ts';

export { PasswordHasher } from './crypto/password-hasher.ts';

const DEAD_LETTERS = /-dead$/;

const app = createApp(createDeps);

export default {
  fetch: app.fetch,

  async scheduled(event, env, ctx) {
    try {
      await ring(createDeps(env, ctx), event.cron, event.scheduledTime);
      logInfo('ring', { cron: event.cron });
    } catch (error) {
      logError('ring_failed', error, { cron: event.cron });
      throw new Error('ring failed');
    }
  },

  async queue(batch, env, ctx) {
    for (const message of batch.messages) {
      try {
        const deps = createDeps(env, ctx);
        if (DEAD_LETTERS.test(batch.queue)) {
          logError('dead_letter', new Error('dead letter'), { queue: batch.queue, id: message.id });
          await bury(deps, message.body);
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
