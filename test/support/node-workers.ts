/** `cloudflare:workers` and `cloudflare:test` for scenarios in plain Node: the variables of `wrangler.toml`, and a database on node:sqlite. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { hashPassword, verifyPassword } from '../../src/crypto/password.ts';
import { bindD1, createRunner, openMigrated, toResult } from './sqlite-d1.ts';

const { vars } = parse(readFileSync(join(import.meta.dirname, '../../wrangler.toml'), 'utf8')) as { vars: Record<string, string> };
const { JWT_SECRET, ENCRYPTION_KEYS, REGISTRATION, FUZZ_SEED } = process.env;

/** Each test file loads this module anew, so it has a database of its own. */
const run = createRunner(openMigrated());

const ASSETS_FOLDER = join(import.meta.dirname, '../../dist/assets');

/** At most so many calls for a key, for as long as the file runs. */
function createLimit(most: number): { limit(options: { key: string }): Promise<{ success: boolean }> } {
  const counts = new Map<string, number>();
  return {
    async limit({ key }) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
      return { success: (counts.get(key) ?? 0) <= most };
    },
  };
}

/** Bindings as far as scenarios use them. */
export const env = {
  ...vars,
  JWT_SECRET,
  ENCRYPTION_KEYS,
  REGISTRATION,
  FUZZ_SEED,
  DB: bindD1(async (statements) => run(statements).map(toResult)),
  VERSION: { id: 'scenario' },
  PASSWORD_HASHER: { getByName: () => ({ hash: hashPassword, verify: verifyPassword }) },
  ASSETS: { fetch: async (url: string) => new Response(readFileSync(join(ASSETS_FOLDER, new URL(url).pathname), 'utf8')) },
  ADDRESS_RATE_LIMIT: createLimit(30),
  TOKEN_RATE_LIMIT: createLimit(60),
} as unknown as Env;

/** The base of Durable Objects; no scenario makes one. */
export class DurableObject {}

export const createExecutionContext = (): ExecutionContext =>
  ({ waitUntil() {}, passThroughOnException() {} }) as unknown as ExecutionContext;
