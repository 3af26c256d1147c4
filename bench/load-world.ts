/**
 * The jobs at size, in the local runtime: the same rings, messages and D1 as in production against the simulated OpenRouter, on a clock that
 * is set, with the cost of each kind of message apart.
 */
import { env } from 'cloudflare:workers';
import { deliver, onCron } from '../src/jobs/index.ts';
import type { JobMessage } from '../src/jobs/model.ts';
import { spyDb } from '../test/support/spied-db.ts';
import { createWorld } from '../test/support/world.ts';
import { addCosts, type Cost, NO_COST } from './cost.ts';

/** What the jobs write. */
const TABLES = ['user', 'alert_rule', 'alert_event', 'api_key', 'upstream_key', 'key_day', 'job_run', 'management', 'workspace'];
const ACCOUNT_TABLES = ['account', 'usage_day', 'account_day', 'account_check', 'model_name'];

/** Forgets everything that is stored. */
export async function clearDatabase(): Promise<void> {
  await env.DB.batch([...TABLES, ...ACCOUNT_TABLES].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
}

/** Seconds of CPU that the runtime used so far, with its database and whatever is simulated in it. */
export const readRuntimeCpu = async (): Promise<number> => (await fetch('https://bench.invalid/')).json();

interface Waiting {
  message: JobMessage;
  at: number;
}

/** A queue message costs a write, a read and a delete. Source: https://developers.cloudflare.com/queues/platform/pricing/ */
const OPERATIONS_A_MESSAGE = 3;

/** @param now epoch milliseconds at which the clock begins */
export function createLoadWorld(now: number) {
  const spied = spyDb();
  const world = createWorld({ db: spied.binding, now, timeoutMs: 10_000 });
  const { deps, simulator, clock } = world;
  const waiting: Waiting[] = [];
  deps.enqueue = async (messages, delayS = 0) => {
    for (const message of messages) waiting.push({ message, at: clock.now + delayS * 1000 });
  };
  const costs = new Map<string, Cost>();

  /** Does some work and books its cost under a name. */
  async function metered(name: string, deliveries: number, work: () => Promise<unknown>): Promise<void> {
    const { trips, rowsRead, rowsWritten } = deps.d1.usage;
    const asked = simulator.requests.length;
    spied.statements.length = 0;
    spied.writes.length = 0;
    await work();
    const cost: Cost = {
      messages: deliveries,
      operations: deliveries * OPERATIONS_A_MESSAGE,
      calls: simulator.requests.length - asked,
      trips: deps.d1.usage.trips - trips,
      statements: spied.statements.length,
      rowsRead: deps.d1.usage.rowsRead - rowsRead,
      rowsWritten: deps.d1.usage.rowsWritten - rowsWritten,
    };
    costs.set(name, addCosts(costs.get(name) ?? NO_COST, cost));
  }

  async function deliverNext({ message, at }: Waiting): Promise<void> {
    clock.now = Math.max(clock.now, at);
    await metered(message.job, 1, async () => {
      const delivery = await deliver(deps, structuredClone(message));
      if (delivery.kind === 'retry') waiting.push({ message, at: clock.now + delivery.delayS * 1000 });
    });
  }

  /**
   * Delivers until nothing waits; the clock runs to when a delayed message is due. A message that is delivered again counts again.
   * @param atOnce so many messages are worked on at the same time. With more than one, what each kind of them cost is not told apart
   */
  async function drain(atOnce = 1): Promise<void> {
    while (waiting.length > 0) await Promise.all(waiting.splice(0, atOnce).map(deliverNext));
  }

  /** A cron rings at an instant, or later if the work before it took longer, and everything that follows from it is done. */
  async function ringAt(cron: string, at: number, atOnce = 1): Promise<void> {
    clock.now = Math.max(clock.now, at);
    await metered('ring', 0, () => onCron(deps, cron, at));
    await drain(atOnce);
  }

  /** What was booked since the last time, by name, and all together. */
  function takeCosts(): { byName: Map<string, Cost>; all: Cost } {
    const byName = new Map(costs);
    costs.clear();
    return { byName, all: [...byName.values()].reduce(addCosts, NO_COST) };
  }

  const query = async <Row>(text: string, ...values: unknown[]): Promise<Row[]> =>
    (
      await env.DB.prepare(text)
        .bind(...values)
        .all<Row>()
    ).results;

  return { ...world, binding: env.DB, ringAt, drain, takeCosts, query };
}

export type LoadWorld = ReturnType<typeof createLoadWorld>;
