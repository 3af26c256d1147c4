/**
 * A world for one test: the app on the test's database, with a clock, a simulated OpenRouter and a queue in the test's hands.
 * Only the true edges are replaced: `fetch`, the clock, and the delivery of queue messages.
 */
import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { createApp } from '../../src/app.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { signSession } from '../../src/crypto/jwt.ts';
import { hashPassword, needsRehash, type ScryptParameters, verifyPassword } from '../../src/crypto/password.ts';
import { meterD1 } from '../../src/d1.ts';
import { createDb } from '../../src/db.ts';
import { createDeps, type Deps } from '../../src/deps.ts';
import { deliver, onCron } from '../../src/jobs/index.ts';
import type { JobMessage } from '../../src/jobs/model.ts';
import { createOpenRouter } from '../../src/openrouter/client.ts';
import { WIRING } from '../../src/wiring.ts';
import { freshKeyText } from './key-text.ts';
import { createSimulator, type Simulator } from './openrouter/simulator.ts';

export { freshKeyText };

/** Hashing at full strength takes 220 ms; the rules are the same with less. */
const CHEAP: ScryptParameters = { ln: 4, r: 1, p: 1 };
const PASSWORD = 'a quite unusual passphrase';
const SESSION_MS = 7 * 86_400_000;
/** The 15th, a Sunday, shortly before noon UTC. */
const START = Date.parse('2026-11-15T11:30:00.000Z');

let created = 0;
const nextNumber = (): number => {
  created += 1;
  return created;
};

/** A database that counts from zero, and does not wait before it tries again. */
function meteredDb(binding: D1Database): Pick<Deps, 'db' | 'd1'> {
  const d1 = meterD1(binding, { random: () => 0, wait: async () => {} });
  return { db: createDb(d1.binding), d1 };
}

export interface CallOptions {
  token?: string;
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: BodyInit;
  headers?: Record<string, string>;
}

export interface WorldOptions {
  now?: number;
  lagMs?: number;
  config?: Partial<Config>;
  db?: D1Database;
  timeoutMs?: number;
  /** Which of the messages that are due is delivered next. */
  order?: 'oldest' | 'newest';
  /** The account to which a key's text belongs, where there are several beside the world's own. */
  simulatorOf?: (text: string | null) => Simulator | undefined;
}

export function createWorld(options: WorldOptions = {}) {
  const clock = { now: options.now ?? START };
  const simulator = createSimulator({ now: () => clock.now, lagMs: options.lagMs ?? 0 });
  const queue: JobMessage[] = [];
  /** When a message may be delivered; those that a test put into the queue itself, at once. */
  const dueAt = new WeakMap<JobMessage, number>();
  const deferred: (() => Promise<unknown>)[] = [];
  /** What was sent to receivers of alerts. */
  const received: { url: string; init: RequestInit; at: number }[] = [];
  /** What receivers answer. */
  const receiver = { answer: (): Response | Promise<Response> => new Response('ok') };
  const address = `192.0.2.${nextNumber() % 256}`;
  const config = { ...parseConfig({ ...env }), openrouterBaseUrl: 'https://openrouter.test/api/v1', ...options.config };
  const production = createDeps(env, { waitUntil: () => {} }, WIRING);
  const deps: Deps = {
    ...production,
    config,
    ...meteredDb(options.db ?? env.DB),
    openrouter: createOpenRouter({
      baseUrl: config.openrouterBaseUrl,
      fetch: (input, init) => {
        const request = new Request(input, init);
        const text = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? null;
        return (options.simulatorOf?.(text) ?? simulator).answer(request);
      },
      now: () => clock.now,
      timeoutMs: options.timeoutMs ?? 50,
    }),
    passwords: {
      hash: (password) => hashPassword(password, CHEAP),
      verify: (password, phc) => verifyPassword(password, phc, CHEAP),
      needsRehash: (phc) => needsRehash(phc, CHEAP),
    },
    fetch: async (url, init) => {
      received.push({ url, init, at: clock.now });
      return receiver.answer();
    },
    now: () => clock.now,
    random: () => 0.5,
    enqueue: async (messages, delayS = 0) => {
      for (const message of messages) dueAt.set(message, clock.now + delayS * 1000);
      queue.push(...messages);
    },
    defer: (work) => void deferred.push(work),
  };
  // What a request costs is its own.
  const app = createApp(() => ({ ...deps, ...meteredDb(options.db ?? env.DB) }));

  async function call(method: string, path: string, { token, body, raw, headers = {} }: CallOptions = {}): Promise<Response> {
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await app.request(
      `https://monitor.test${path}`,
      {
        method,
        headers: {
          'cf-connecting-ip': address,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(content !== undefined && { body: content }),
      },
      env,
      createExecutionContext(),
    );
    await Promise.all(deferred.splice(0).map((work) => work()));
    return response;
  }

  /** The same, with the answer's status and JSON. */
  async function json<T = Record<string, unknown>>(method: string, path: string, callOptions: CallOptions = {}) {
    const response = await call(method, path, callOptions);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text ? JSON.parse(text) : null) as T };
  }

  /** A user with a session, made by inserting rows. */
  async function makeUser(email = `user${nextNumber()}.${crypto.randomUUID().slice(0, 8)}@example.org`) {
    const passwordHash = await deps.passwords.hash(PASSWORD);
    const insert = (text: string, ...values: unknown[]) =>
      env.DB.prepare(text)
        .bind(...values)
        .first<{ id: number }>();
    const user = await insert(
      'INSERT INTO user (email, password_hash, created_at) VALUES (?, ?, ?) RETURNING id',
      email,
      passwordHash,
      clock.now,
    );
    const userId = user?.id ?? 0;
    const newSession = async (): Promise<string> => {
      const expiresAt = clock.now + SESSION_MS;
      const row = await insert(
        'INSERT INTO session (user_id, created_at, expires_at) VALUES (?, ?, ?) RETURNING id',
        userId,
        clock.now,
        expiresAt,
      );
      return signSession(config.jwtSecret, { userId, sessionId: row?.id ?? 0 }, clock.now, expiresAt);
    };
    return { id: userId, email, password: PASSWORD, token: await newSession(), newSession };
  }

  /** Adds a key to the simulator and, over HTTP, to a user; answers its text and id. */
  async function makeKey(token: string, name = 'key', keyOptions: Parameters<typeof simulator.addKey>[1] = {}) {
    const text = freshKeyText();
    simulator.addKey(text, keyOptions);
    const { status, body } = await json<{ id: number }>('POST', '/api/keys', { token, body: { name, key: text } });
    if (status !== 201) throw new Error(`adding a key answered ${status}`);
    return { text, id: body.id };
  }

  /** Takes the message that is due first out of the queue, and lets the clock run until then. */
  function takeNext(): JobMessage {
    const due = (message: JobMessage) => dueAt.get(message) ?? 0;
    const isBefore = (message: JobMessage, first: JobMessage) =>
      due(message) < due(first) || (options.order === 'newest' && (due(message) <= clock.now || due(message) === due(first)));
    const next = queue.reduce((first, message) => (isBefore(message, first) ? message : first));
    queue.splice(queue.indexOf(next), 1);
    clock.now = Math.max(clock.now, due(next));
    return next;
  }

  /** Delivers messages until the queue is empty; a delayed or retried one comes after its delay. */
  async function drain(maxDeliveries = 1000): Promise<void> {
    for (let deliveries = 0; queue.length > 0; deliveries++) {
      if (deliveries > maxDeliveries) throw new Error('the queue does not come to rest');
      const message = takeNext();
      const delivery = await deliver(deps, structuredClone(message));
      if (delivery.kind === 'retry') await deps.enqueue([message], delivery.delayS);
    }
  }

  /** Rings the hourly cron now and works until the queue is empty. */
  async function sync(): Promise<void> {
    await onCron(deps, '3 * * * *', clock.now);
    await drain();
  }

  return { clock, simulator, queue, deps, app, received, receiver, call, json, makeUser, makeKey, drain, sync };
}

export type World = ReturnType<typeof createWorld>;
