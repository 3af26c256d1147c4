/** The app and the jobs in a simulated world: time, D1, the queue and OpenRouter are made here, everything else is the product. */
import { createHash } from 'node:crypto';
import { parseConfig } from '../../src/config.ts';
import { meterD1 } from '../../src/d1.ts';
import { createDb } from '../../src/db.ts';
import type { Deps } from '../../src/deps.ts';
import { deliver, onCron, onDeadLetter } from '../../src/jobs/index.ts';
import { logError } from '../../src/log.ts';
import { createOpenRouter } from '../../src/openrouter/client.ts';
import { WIRING } from '../../src/wiring.ts';
import type { Simulator } from '../support/openrouter/simulator.ts';
import { createClient } from './client.ts';
import { createClock } from './clock.ts';
import { openD1 } from './d1.ts';
import { createDice } from './dice.ts';
import { createFaults } from './faults.ts';
import { createJournal } from './journal.ts';
import { createQueue } from './queue.ts';
import { createSecrets } from './secrets.ts';
import { createTasks, expectOutsideFailure } from './tasks.ts';
import { violated } from './violation.ts';

const CONFIG = parseConfig({
  OPENROUTER_BASE_URL: 'https://openrouter.test/api/v1',
  USAGE_STATS_RETENTION_DAYS: 365,
  HOURLY_RETENTION_DAYS: 92,
  MAX_API_TOKENS_PER_USER: 5,
  MAX_API_KEYS_PER_USER: 20,
  REGISTRATION: 'open',
  JWT_SECRET: 'simulation-0123456789-abcdefghijklmnopqrstuvwxyz',
  ENCRYPTION_KEYS: 'sim1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Stands for the hash of a password, which takes a pool of threads and a quarter of a second. */
const PASSWORDS: Deps['passwords'] = {
  hash: async (password) => `simulated$${sha256(password)}`,
  verify: async (password, phc) => phc === `simulated$${sha256(password)}`,
  needsRehash: () => false,
};

type FindSimulator = (text: string | null) => Simulator;

/** What surrounds the product, from one seed. */
function createEdges(seed: number, startAt: number) {
  const dice = createDice(seed);
  const clock = createClock(startAt);
  const journal = createJournal(clock.now);
  const faults = createFaults(clock, dice, journal.note);
  const d1 = openD1(faults.trip);
  return { dice, clock, journal, faults, d1, secrets: createSecrets(), ...createTasks(), config: CONFIG };
}

type Edges = ReturnType<typeof createEdges>;

/** OpenRouter, as `fetch` reaches it. */
const createUpstream =
  ({ faults, journal }: Edges, simulatorOf: FindSimulator) =>
  async (input: string, { signal: _, ...init }: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const text = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? null;
    journal.note(`${request.method} ${new URL(input).pathname}`);
    return faults.isSilent() ? faults.hang() : simulatorOf(text).answer(request);
  };

/** The database of one request or of the jobs, which counts from zero. */
function meteredDb({ d1: { binding }, dice, clock }: Edges): Pick<Deps, 'db' | 'd1'> {
  const d1 = meterD1(binding, { random: dice.random, wait: clock.sleep });
  return { db: createDb(d1.binding), d1 };
}

const createDeps = (edges: Edges, simulatorOf: FindSimulator, enqueue: Deps['enqueue']): Deps => ({
  ...WIRING,
  config: CONFIG,
  caller: null,
  ...meteredDb(edges),
  build: 'simulation',
  openrouter: createOpenRouter({
    baseUrl: CONFIG.openrouterBaseUrl,
    fetch: createUpstream(edges, simulatorOf),
    now: edges.clock.now,
  }),
  passwords: PASSWORDS,
  fetch: async () => violated('a message was sent although nobody has a channel'),
  readAsset: async (name) => (name === 'common-passwords.txt' ? '' : violated(`nobody asks for ${name}`)),
  sendEmail: null,
  now: edges.clock.now,
  random: edges.dice.random,
  enqueue,
  limits: { address: async () => true, token: async () => true },
  defer: (work) => edges.launch(work().catch((error: unknown) => logError('deferred_work_failed', error))),
});

/** A world that begins at an instant, in calm weather. `simulatorOf` finds the OpenRouter account to which a key's text belongs. */
export function createWorld(seed: number, startAt: number, simulatorOf: FindSimulator) {
  const edges = createEdges(seed, startAt);
  const { note } = edges.journal;
  const queue = createQueue(edges, {
    deliver: (message) => deliver(deps, message),
    onDeadLetter: (message) => onDeadLetter(deps, message),
    onFailure: expectOutsideFailure,
    launch: edges.launch,
  });
  const deps = createDeps(edges, simulatorOf, queue.enqueue);

  /** Rings a cron, meant for an instant. */
  async function ringCron(cron: string, scheduledAt: number): Promise<void> {
    try {
      await onCron(deps, cron, scheduledAt);
      note(`rang ${cron}`);
    } catch (error) {
      expectOutsideFailure(error);
      note(`ring failed ${cron}`);
    }
  }

  return { ...edges, queue, call: createClient(() => ({ ...deps, ...meteredDb(edges) }), edges.secrets, note), ringCron };
}

export type World = ReturnType<typeof createWorld>;
