/** Many users with many keys, made by inserting rows as registration and adding a key do. */
import { env } from 'cloudflare:workers';
import { createRuleSchema, DEFAULT_RULES, parametersOf } from '../src/alerts/model.ts';
import { encrypt } from '../src/crypto/cipher.ts';
import { CIPHERTEXT_COLUMN, maskKey } from '../src/keys/model.ts';
import { sha256Hex } from '../src/lib/sha256.ts';
import { freshKeyText } from '../test/support/world.ts';
import type { LoadWorld } from './load-world.ts';

/** The rules that a new account has, and a budget, which reads the month's ledger. */
const RULES = [...DEFAULT_RULES, createRuleSchema.parse({ type: 'budget', amount_usd: 1_000_000, period: 'month' })];

const ROWS_A_STATEMENT = 1000;

async function insertMany(table: string, rows: readonly Record<string, unknown>[]): Promise<void> {
  const names = Object.keys(rows[0] ?? {});
  const values = names.map((name) => `json_extract(value, '$.${name}')`).join(', ');
  const text = `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values} FROM json_each(?)`;
  for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT)
    await env.DB.prepare(text)
      .bind(JSON.stringify(rows.slice(start, start + ROWS_A_STATEMENT)))
      .run();
}

export interface CrowdKey {
  userId: number;
  text: string;
}

/** Adds users `from` to `to` (inclusive), each with the rules of a new account and a budget. */
export async function addUsers({ clock }: LoadWorld, from: number, to: number): Promise<void> {
  const ids = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const user = (id: number) => ({ id, email: `user${id}@example.org`, password_hash: '-', created_at: clock.now });
  await insertMany('user', ids.map(user));
  const rule = { channel_ids: '[]', created_at: clock.now };
  await insertMany(
    'alert_rule',
    ids.flatMap((id) => RULES.map((input) => ({ ...rule, user_id: id, type: input.type, parameters: parametersOf(input) }))),
  );
}

/**
 * Adds keys to the simulator and to users, in the order of the list of users, as if each had just been added.
 * @param userIds whose each key is
 */
export async function addKeys({ clock, deps, simulator }: LoadWorld, userIds: readonly number[]): Promise<CrowdKey[]> {
  const keys: CrowdKey[] = userIds.map((userId) => ({ userId, text: freshKeyText() }));
  const rows = [];
  for (const { userId, text } of keys) {
    simulator.addKey(text);
    const hash = await sha256Hex(text);
    const { envelope, kid } = await encrypt(deps.config.keyring, { column: CIPHERTEXT_COLUMN, userId, hash }, text);
    const place = { user_id: userId, kind: 'inference', name: 'key', hash, label: maskKey(text), ciphertext: envelope, kid };
    rows.push({ ...place, health: 'unverified', created_at: clock.now });
  }
  await insertMany('api_key', rows);
  return keys;
}

/** Adds a management key, which the simulator knows already. */
export async function addManagementKey({ clock, deps }: LoadWorld, userId: number, text: string): Promise<void> {
  const hash = await sha256Hex(text);
  const { envelope, kid } = await encrypt(deps.config.keyring, { column: CIPHERTEXT_COLUMN, userId, hash }, text);
  const place = { user_id: userId, kind: 'management', name: 'account', hash, label: maskKey(text), ciphertext: envelope, kid };
  await insertMany('api_key', [{ ...place, health: 'active', created_at: clock.now }]);
}
