/** Many users with many keys, made by inserting rows as registration and adding a key do. */
import { createRuleSchema, DEFAULT_RULES, parametersOf } from '../src/alerts/model.ts';
import { encrypt } from '../src/crypto/cipher.ts';
import type { Deps } from '../src/deps.ts';
import { CIPHERTEXT_COLUMN } from '../src/inventory/model.ts';
import { maskKey } from '../src/keys/model.ts';
import { DAY_MS } from '../src/lib/day.ts';
import { sha256Hex } from '../src/lib/sha256.ts';
import type { Simulator } from '../test/support/openrouter/simulator.ts';

/** Where a crowd is put. */
export interface CrowdPlace {
  binding: D1Database;
  simulator: Simulator;
  deps: Pick<Deps, 'config' | 'now'>;
}

export interface CrowdKey {
  userId: number;
  text: string;
}

/** The rules that a new account has, and a budget, which reads the month's ledger. */
const RULES = [...DEFAULT_RULES, createRuleSchema.parse({ type: 'budget', amount_usd: 1_000_000, period: 'month' })];

const ROWS_A_STATEMENT = 1000;
/** Nano-dollars: more than anybody here spends. */
const CREDITS_NANO = 1e15;
const ACCOUNT_AGE_MS = 30 * DAY_MS;

const createKeyText = (): string =>
  `sk-or-v1-${[...crypto.getRandomValues(new Uint8Array(32))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;

async function insertMany(binding: D1Database, table: string, rows: readonly Record<string, unknown>[]): Promise<void> {
  const names = Object.keys(rows[0] ?? {});
  const values = names.map((name) => `json_extract(value, '$.${name}')`).join(', ');
  const text = `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values} FROM json_each(?)`;
  for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT)
    await binding.batch([binding.prepare(text).bind(JSON.stringify(rows.slice(start, start + ROWS_A_STATEMENT)))]);
}

/** Adds the users 1 to `count`, each with the rules of a new account and a budget. */
export async function addUsers({ binding, deps }: CrowdPlace, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  const user = (id: number) => ({ id, email: `user${id}@example.org`, password_hash: '-', created_at: deps.now() });
  await insertMany(binding, 'user', ids.map(user));
  const rule = { channel_ids: '[]', created_at: deps.now() };
  await insertMany(
    binding,
    'alert_rule',
    ids.flatMap((id) => RULES.map((input) => ({ ...rule, user_id: id, type: input.type, parameters: parametersOf(input) }))),
  );
}

/** Adds keys, each with the upstream key of its secret. */
async function addKeys(binding: D1Database, rows: readonly Record<string, unknown>[]): Promise<void> {
  await insertMany(binding, 'api_key', rows);
  await binding
    .prepare(
      'INSERT INTO upstream_key (user_id, hash, api_key_id, created_at) SELECT user_id, hash, id, 0 FROM api_key WHERE true ON CONFLICT DO NOTHING',
    )
    .run();
}

async function keyRow({ deps }: CrowdPlace, { userId, text }: CrowdKey, kind: string) {
  const hash = await sha256Hex(text);
  const { envelope, kid } = await encrypt(deps.config.keyring, { column: CIPHERTEXT_COLUMN, userId, hash }, text);
  const place = { user_id: userId, kind, name: 'key', hash, label: maskKey(text), ciphertext: envelope, kid };
  return { ...place, health: 'active', created_at: deps.now() };
}

/** Adds users with so many keys each, as if each key had just been added. */
export async function addOwnKeys(place: CrowdPlace, count: number, keysAUser: number): Promise<CrowdKey[]> {
  await addUsers(place, Math.ceil(count / keysAUser));
  const keys = Array.from({ length: count }, (_, index) => ({ userId: 1 + Math.floor(index / keysAUser), text: createKeyText() }));
  const rows: Record<string, unknown>[] = [];
  for (const key of keys) {
    place.simulator.addKey(key.text);
    rows.push(await keyRow(place, key, 'inference'));
  }
  await addKeys(place.binding, rows);
  return keys;
}

/** Adds a user with a management key, and an account of so many keys that it opens; returns their texts. */
export async function addAccount(place: CrowdPlace, count: number): Promise<string[]> {
  const { simulator, deps } = place;
  await addUsers(place, 1);
  simulator.buyCredits(CREDITS_NANO);
  const createdAt = new Date(deps.now() - ACCOUNT_AGE_MS).toISOString();
  const management = { userId: 1, text: createKeyText() };
  simulator.addKey(management.text, { isManagement: true, createdAt });
  await addKeys(place.binding, [await keyRow(place, management, 'management')]);
  return Array.from({ length: count }, (_, index) => {
    const text = createKeyText();
    simulator.addKey(text, { name: `key ${index}`, createdAt });
    return text;
  });
}
