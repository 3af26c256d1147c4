/** A queue as Cloudflare's: at least once, in any order; and, since the jobs promise to bear it, now and then not at all. */
import type { Delivery, JobMessage } from '../../src/jobs/model.ts';
import { fullJitter } from '../../src/lib/backoff.ts';
import { SECOND_MS } from '../../src/lib/day.ts';
import type { Clock } from './clock.ts';
import type { Dice } from './dice.ts';
import { type Faults, QueueFailure } from './faults.ts';

/** Of wrangler.toml: the queue's, and that of its dead letters. */
const MAX_RETRIES = 8;
const MAX_BURIALS = 3;

export interface Consumer {
  deliver(message: JobMessage): Promise<Delivery>;
  /** Takes a message that was delivered in vain too often. */
  onDeadLetter(message: JobMessage): Promise<void>;
  /** Looks at what a delivery threw; what it throws itself ends the run. */
  onFailure(error: unknown): void;
  launch(work: Promise<void>): void;
}

interface QueueSetting {
  clock: Clock;
  dice: Dice;
  faults: Faults;
  journal: { note(event: string): void };
}

const describe = (message: JobMessage): string => `${message.job} ${'part' in message ? `${message.slot}/${message.part}` : ''}`;

/** An empty queue. `lost` are the messages that it dropped, `waiting` those that it will deliver. */
export function createQueue({ clock, dice, faults, journal: { note } }: QueueSetting, consumer: Consumer) {
  const lost: JobMessage[] = [];
  const waiting: JobMessage[] = [];

  function push(message: JobMessage, attempt: number, delayMs: number, handle: typeof work): void {
    const copies = faults.chooseCopies();
    if (copies.length !== 1) note(`queue ${copies.length === 0 ? 'drops' : 'doubles'} ${describe(message)}`);
    if (copies.length === 0) lost.push(message);
    for (const copyMs of copies) {
      waiting.push(message);
      clock.schedule(clock.now() + delayMs + copyMs, () => {
        waiting.splice(waiting.indexOf(message), 1);
        consumer.launch(handle(message, attempt));
      });
    }
  }

  async function work(message: JobMessage, attempt: number): Promise<void> {
    let delayS: number;
    try {
      const delivery = await consumer.deliver(structuredClone(message));
      note(`delivered ${describe(message)}: ${delivery.kind}`);
      if (delivery.kind === 'ack') return;
      delayS = delivery.delayS;
    } catch (error) {
      consumer.onFailure(error);
      note(`failed ${describe(message)} (${attempt})`);
      delayS = fullJitter(attempt, dice.random());
    }
    if (attempt > MAX_RETRIES) push(message, 1, 0, onDeadLetter);
    else push(message, attempt + 1, delayS * SECOND_MS, work);
  }

  async function onDeadLetter(message: JobMessage, attempt: number): Promise<void> {
    try {
      await consumer.onDeadLetter(structuredClone(message));
      note(`buried ${describe(message)}`);
    } catch (error) {
      consumer.onFailure(error);
      if (attempt <= MAX_BURIALS) push(message, attempt + 1, SECOND_MS, onDeadLetter);
      else lost.push(message);
    }
  }

  /** @throws QueueFailure */
  async function enqueue(messages: JobMessage[], delayS = 0): Promise<void> {
    if (messages.length === 0) return;
    const fate = faults.chooseQueue();
    if (fate !== 'sound') note(`queue fails ${fate}`);
    if (fate !== 'before') for (const message of messages) push(message, 1, delayS * SECOND_MS, work);
    if (fate !== 'sound') throw new QueueFailure('the queue does not answer');
  }

  return { enqueue, lost, waiting };
}
