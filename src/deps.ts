/** Everything a verb needs from outside. The only reader of bindings. */
import type { Caller } from './audit/model.ts';
import { type Config, parseConfig } from './config.ts';
import { needsRehash } from './crypto/password.ts';
import { type MeteredD1, meterD1 } from './d1.ts';
import { createDb, type Db } from './db.ts';
import { type AssetName, assetUrl } from './http/pages/asset.ts';
import type { JobMessage } from './jobs/model.ts';
import { slicesOf } from './lib/slices.ts';
import { logError } from './log.ts';
import { createOpenRouter, type OpenRouter } from './openrouter/client.ts';
import { HASHER_INSTANCES } from './password-hasher.ts';

export interface Passwords {
  hash(password: string): Promise<string>;
  /** `null` (no such user) takes as long as a hash. */
  verify(password: string, phc: string | null): Promise<boolean>;
  needsRehash(phc: string): boolean;
}

/** What lower rooms need of higher ones. */
export interface Wiring {
  /** Written in the same transaction as a new user. */
  newUserStatements(db: Db, email: string, now: number): D1PreparedStatement[];
}

export interface Deps extends Wiring {
  config: Config;
  /** Null: a job. */
  caller: Caller | null;
  db: Db;
  /** Database usage of the request, and statements to prepend to the next batch. */
  d1: Pick<MeteredD1, 'usage' | 'prepend'>;
  /** Identifies the deployed code: another build may answer differently. */
  build: string;
  openrouter: OpenRouter;
  passwords: Passwords;
  /** To receivers of alerts. OpenRouter has its own client. */
  fetch(url: string, init: RequestInit): Promise<Response>;
  readAsset(name: AssetName): Promise<string>;
  /** Null without a `send_email` binding or `EMAIL_FROM`. */
  sendEmail: ((mail: { to: string; subject: string; text: string }) => Promise<void>) | null;
  /** Epoch milliseconds. */
  now(): number;
  /** From 0 to below 1, for jitter only. */
  random(): number;
  enqueue(messages: JobMessage[], delayS?: number): Promise<void>;
  /** False: limit reached. Requests per minute, by address and by token. */
  limits: { address(key: string): Promise<boolean>; token(key: string): Promise<boolean> };
  /** Runs after the response; a failure is only logged. */
  defer(work: () => Promise<unknown>): void;
}

/** Source: https://developers.cloudflare.com/queues/platform/limits/ */
const MAX_MESSAGES_A_BATCH = 100;

const configs = new WeakMap<object, Config>();

function configOf(env: Env): Config {
  const known = configs.get(env);
  if (known) return known;
  const config = parseConfig({ ...env });
  configs.set(env, config);
  return config;
}

function createPasswords(hashers: Env['PASSWORD_HASHER']): Passwords {
  const hasher = () => hashers.getByName(String(Math.floor(Math.random() * HASHER_INSTANCES)));
  return {
    hash: (password) => hasher().hash(password),
    verify: (password, phc) => hasher().verify(password, phc),
    needsRehash: (phc) => needsRehash(phc),
  };
}

async function readAsset(assets: Fetcher, name: AssetName): Promise<string> {
  const response = await assets.fetch(`https://assets.invalid${assetUrl(name)}`);
  if (!response.ok) throw new Error(`No static file ${name}: ${response.status}`);
  return response.text();
}

/** Optional: the binding needs a domain with Email Routing. */
function createSendEmail(binding: SendEmail | undefined, from: string | null): Deps['sendEmail'] {
  if (binding === undefined || from === null) return null;
  return async (mail) => {
    await binding.send({ from, ...mail });
  };
}

/** @throws ConfigError if a variable or secret is missing or unsafe */
export function createDeps(env: Env, ctx: Pick<ExecutionContext, 'waitUntil'>, wiring: Wiring): Deps {
  const config = configOf(env);
  const d1 = meterD1(env.DB, { random: Math.random, wait: (ms) => scheduler.wait(ms) });
  return {
    ...wiring,
    config,
    caller: null,
    db: createDb(d1.binding),
    d1,
    build: env.VERSION.id,
    openrouter: createOpenRouter({ baseUrl: config.openrouterBaseUrl, fetch: (input, init) => fetch(input, init), now: Date.now }),
    passwords: createPasswords(env.PASSWORD_HASHER),
    fetch: (url, init) => fetch(url, init),
    readAsset: (name) => readAsset(env.ASSETS, name),
    sendEmail: createSendEmail((env as { EMAIL?: SendEmail }).EMAIL, config.emailFrom),
    now: Date.now,
    random: Math.random,
    async enqueue(messages, delaySeconds = 0) {
      for (const slice of slicesOf(messages, MAX_MESSAGES_A_BATCH)) {
        await env.JOBS.sendBatch(
          slice.map((body) => ({ body })),
          { delaySeconds },
        );
      }
    },
    limits: {
      address: async (key) => (await env.ADDRESS_RATE_LIMIT.limit({ key })).success,
      token: async (key) => (await env.TOKEN_RATE_LIMIT.limit({ key })).success,
    },
    defer(work) {
      const done = scheduler.wait(0).then(work);
      ctx.waitUntil(done.catch((error: unknown) => logError('deferred_work_failed', error)));
    },
  };
}
