/** `cloudflare:workers` and `cloudflare:test` for scenarios in plain Node: the variables of `wrangler.toml`, and a database on node:sqlite. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { hashPassword, verifyPassword } from '../../src/crypto/password.ts';
import { bindD1, createRunner, openMigrated, toResult } from './sqlite-d1.ts';

const { vars } = parse(readFileSync(join(import.meta.dirname, '../../wrangler.toml'), 'utf8')) as { vars: Record<string, string> };
const { JWT_SECRET, ENCRYPTION_KEYS, REGISTRATION, FUZZ_SEED } = process.env;

let run: ReturnType<typeof createRunner>;
const calls = new Map<string, number>();

/** An empty database, and limits that nobody has used. */
export function startAnew(): void {
  run = createRunner(openMigrated());
  calls.clear();
}

const ASSETS_FOLDER = join(import.meta.dirname, '../../dist/assets');

/** At most so many calls for a key, for as long as the file runs. */
const createLimit = (name: string, most: number) => ({
  async limit({ key }: { key: string }) {
    const count = (calls.get(name + key) ?? 0) + 1;
    calls.set(name + key, count);
    return { success: count <= most };
  },
});

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
  ADDRESS_RATE_LIMIT: createLimit('address ', 30),
  TOKEN_RATE_LIMIT: createLimit('token ', 60),
} as unknown as Env;

/** The base of Durable Objects; no scenario makes one. */
export class DurableObject {}

export const createExecutionContext = (): ExecutionContext =>
  ({ waitUntil() {}, passThroughOnException() {} }) as unknown as ExecutionContext;
