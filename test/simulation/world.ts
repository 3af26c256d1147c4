/** The app and the jobs in a simulated world: time, D1, the queue and OpenRouter are made here, everything else is the product. */
import { createHash } from 'node:crypto';
import { createApp } from '../../src/app.ts';
import { parseConfig } from '../../src/config.ts';
import { createDb, describeDatabaseError } from '../../src/db.ts';
import type { Deps } from '../../src/deps.ts';
import { bury, deliver, ring } from '../../src/jobs/index.ts';
import { logError } from '../../src/log.ts';
import { createOpenRouter } from '../../src/openrouter/client.ts';
import type { Simulator } from '../support/openrouter/simulator.ts';
import { createClock } from './clock.ts';
import { openD1 } from './d1.ts';
import { createDice } from './dice.ts';
import { createFaults, QueueFailure } from './faults.ts';
import { createQueue } from './queue.ts';
import { createSecrets } from './secrets.ts';
import { Violation, violated } from './violation.ts';

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

/** What happened last, for whoever looks into a failure. */
const REMEMBERED_EVENTS = 60;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Stands for the hash of a password, which takes a pool of threads and a quarter of a second. */
const PASSWORDS: Deps['passwords'] = {
  hash: async (password) => `simulated$${sha256(password)}`,
  verify: async (password, phc) => phc === `simulated$${sha256(password)}`,
  needsRehash: () => false,
};

export interface Answer {
  status: number;
  text: string;
  /** Parsed, where the answer is JSON. */
  body: unknown;
}

export interface CallOptions {
  token?: string | null;
  /** Signs a page's visitor in. */
  cookie?: string | null;
  body?: object;
  /** The one secret that this answer may show, once it is known to do so. */
  shows?: (body: unknown) => string | null;
}

/** Notes what happened: a digest of everything, and the last of it. */
function createJournal(now: () => number) {
  const digest = createHash('sha256');
  const recent: string[] = [];
  return {
    recent,
    note(event: string): void {
      const line = `${new Date(now()).toISOString()} ${event}`;
      digest.update(`${line}\n`);
      recent.push(line);
      if (recent.length > REMEMBERED_EVENTS) recent.shift();
    },
    digest: () => digest.copy().digest('hex'),
  };
}

/** A world that begins at an instant, in calm weather. `simulatorOf` finds the OpenRouter account to which a key's text belongs. */
export function createWorld(seed: number, startAt: number, simulatorOf: (text: string | null) => Simulator) {
  const dice = createDice(seed);
  const clock = createClock(startAt);
  const journal = createJournal(clock.now);
  const { note } = journal;
  const faults = createFaults(clock, dice, note);
  const secrets = createSecrets();
  const d1 = openD1(faults.trip);
  let failure: Error | null = null;
  let running = 0;

  /** Lets something go on by itself. Nothing that is launched may fail. */
  function launch(work: Promise<unknown>): void {
    running += 1;
    void work
      .catch((error: unknown) => {
        failure ??= error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        running -= 1;
      });
  }

  /** A job may fail because D1 or the queue did, and for no other reason. */
  function onFailure(error: unknown): void {
    if (error instanceof Violation) throw error;
    if (error instanceof QueueFailure || describeDatabaseError(error) !== null) return;
    violated(`a job failed by itself: ${error instanceof Error ? error.stack : error}`);
  }

  const queue = createQueue(
    { clock, dice, faults, note },
    { deliver: (message) => deliver(deps, message), bury: (message) => bury(deps, message), onFailure, launch },
  );

  async function fetchUpstream(input: string, { signal: _, ...init }: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    const text = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? null;
    note(`${request.method} ${new URL(input).pathname}`);
    return faults.isSilent() ? faults.hang() : simulatorOf(text).answer(request);
  }

  const deps: Deps = {
    config: CONFIG,
    db: createDb(d1.binding),
    openrouter: createOpenRouter({ baseUrl: CONFIG.openrouterBaseUrl, fetch: fetchUpstream, now: clock.now }),
    passwords: PASSWORDS,
    async fetch(_, init) {
      secrets.expectNone('a message to a receiver of alerts', String(init.body));
      await faults.waitUpstream();
      if (faults.isReceiverDown()) throw new TypeError('fetch failed');
      return new Response('ok');
    },
    sendEmail: null,
    now: clock.now,
    random: dice.random,
    enqueue: queue.enqueue,
    limits: { address: async () => true, token: async () => true },
    defer: (work) => launch(work.catch((error: unknown) => logError('deferred_work_failed', error))),
  };
  const app = createApp(() => deps);
  const context = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext;

  /** Asks the app. An answer of 500, or one that shows a secret, ends the run. */
  async function call(method: string, path: string, { token, cookie, body, shows }: CallOptions = {}): Promise<Answer> {
    const headers = new Headers({ 'cf-connecting-ip': '192.0.2.1', accept: cookie ? 'text/html' : 'application/json' });
    if (token) headers.set('authorization', `Bearer ${token}`);
    if (cookie) headers.set('cookie', `__Host-session=${cookie}`);
    if (body) headers.set('content-type', 'application/json');
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await app.request(`https://monitor.test${path}`, init, {}, context);
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
    const answer = { status: response.status, text, body: isJson ? (JSON.parse(text) as unknown) : null };
    note(`${method} ${path}: ${response.status}`);
    if (response.status === 500) violated(`${method} ${path} answered 500`);
    const shown = response.ok && shows ? shows(answer.body) : null;
    if (shown !== null) secrets.add(shown);
    secrets.expectNone(`the answer to ${method} ${path}`, shown === null ? text : text.replace(shown, ''));
    return answer;
  }

  /** Rings a cron, meant for an instant. */
  async function ringCron(cron: string, scheduledAt: number): Promise<void> {
    try {
      await ring(deps, cron, scheduledAt);
      note(`rang ${cron}`);
    } catch (error) {
      onFailure(error);
      note(`ring failed ${cron}`);
    }
  }

  /** Ends the run if something that was launched failed. */
  function expectSound(): void {
    if (failure) throw failure;
  }

  return {
    ...{ dice, clock, journal, faults, secrets, d1, queue, config: CONFIG },
    ...{ launch, call, ringCron, expectSound },
    /** How much work is under way outside of the queue. */
    running: () => running,
  };
}

export type World = ReturnType<typeof createWorld>;
