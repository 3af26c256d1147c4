/** Users with something of everything, for requests that name it. */
import { env } from 'cloudflare:workers';
import { signSession } from '../../../src/crypto/jwt.ts';
import { HOUR_MS, MINUTE_MS } from '../../../src/lib/day.ts';
import { MODELS, PROVIDERS } from '../openrouter/catalog.ts';
import { freshKeyText, type World } from '../world.ts';

export interface Person {
  id: number;
  email: string;
  password: string;
  session: string;
  /** An API token that no request can revoke: its id is told to nobody. */
  apiToken: string;
  /** Credentials that were good once. */
  ended: string;
  expired: string;
  /** Ids of what they have, by the address that lists them. */
  ids: Map<string, number[]>;
  /** Texts in what they have by which it is known as theirs. */
  marks: string[];
  /** What no answer may contain any more. */
  secrets: string[];
}

const pickOf = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;

/** Two keys that spent; with an account also its management key, which discovers one more. */
async function addKeys(world: World, session: string, mark: string, hasAccount: boolean): Promise<string[]> {
  const keys = [await world.makeKey(session, mark, { limitNano: 5_000_000_000 }), await world.makeKey(session, `${mark} 2`)];
  const discovered = freshKeyText();
  world.simulator.addKey(discovered);
  for (const [index, text] of [...keys.map((key) => key.text), discovered, discovered].entries())
    world.simulator.spend(text, { nano: 2_000_000_000, model: pickOf(MODELS, index).permaslug, provider: pickOf(PROVIDERS, index) });
  if (hasAccount) keys.push(await world.makeKey(session, mark, { isManagement: true }));
  return keys.map(({ text }) => text);
}

/** Channels of all kinds, and a view. What the channels keep secret. */
async function addChannels(world: World, session: string, userId: number, mark: string): Promise<string[]> {
  const secret = crypto.randomUUID();
  const post = (body: object) => world.json<{ secret: string }>('POST', '/api/channels', { token: session, body: { name: mark, ...body } });
  const webhook = await post({ type: 'webhook', url: `https://hooks.example.org/${secret}` });
  await post({ type: 'slack', url: `https://hooks.example.org/${secret}` });
  await post({ type: 'telegram', bot_token: `7:${secret}`, chat_id: '-100200300' });
  await env.DB.prepare('INSERT INTO saved_view (user_id, name, query, created_at) VALUES (?, ?, ?, ?)')
    .bind(userId, mark, 'metric=cost', world.clock.now)
    .run();
  return [secret, webhook.body.secret];
}

/** Rules that have something to tell, one of them of a key that it disables, where an account has one. */
async function addRules(world: World, { token, password }: { token: string; password: string }, mark: string): Promise<void> {
  const list = async (path: string) => (await world.json<{ id: number; managed_by?: number | null }[]>('GET', path, { token })).body;
  const channel_ids = (await list('/api/channels')).map(({ id }) => id);
  const managed = (await list('/api/keys')).filter(({ managed_by: manager }) => manager != null);
  const budget = { type: 'budget', amount_usd: 1, period: 'day', channel_ids };
  const rules = [
    budget,
    { type: 'digest', channel_ids },
    { type: 'key_discovered' },
    ...managed.slice(0, 1).map(({ id }) => ({ ...budget, key_id: id, action: 'disable', password })),
  ];
  for (const rule of rules) {
    const { status } = await world.json('POST', '/api/alert-rules', { token, body: { name: mark, ...rule } });
    if (status !== 201) throw new Error(`adding a rule answered ${status}`);
  }
}

/** The rows of a list, or of a page of one; null if it is none. */
export function rowsIn(body: unknown): { id?: unknown }[] | null {
  const rows = Array.isArray(body) ? body : (body as { data?: unknown } | null)?.data;
  return Array.isArray(rows) ? rows : null;
}

export const idsIn = (rows: { id?: unknown }[] | null): number[] => (rows ?? []).flatMap(({ id }) => (typeof id === 'number' ? [id] : []));

/**
 * A user who has keys, tokens, channels, rules, events and a view.
 * @param collections addresses that list things with ids
 * @param hasAccount also a management key, and what it discovers
 */
export async function createPerson(world: World, collections: readonly string[], hasAccount: boolean): Promise<Person> {
  const user = await world.makeUser();
  const mark = `mark-${crypto.randomUUID()}`;
  const keyTexts = await addKeys(world, user.token, mark, hasAccount);
  const channelSecrets = await addChannels(world, user.token, user.id, mark);
  await world.drain();
  await addRules(world, user, mark);
  world.clock.now += HOUR_MS;
  await world.sync();
  const post = async (name: string) =>
    (await world.json<{ id: number; token: string }>('POST', '/api/tokens', { token: user.token, body: { name } })).body;
  const tokens = [await post(mark), await post(mark)];
  const ids = new Map<string, number[]>();
  for (const path of collections) ids.set(path, idsIn(rowsIn((await world.json('GET', path, { token: user.token })).body)));
  const own = await post(mark);
  const ended = await user.newSession();
  await world.call('POST', '/api/auth/logout', { token: ended });
  const expired = await signSession(
    world.deps.config.jwtSecret,
    { userId: user.id, sessionId: 1 },
    world.clock.now - HOUR_MS,
    world.clock.now - MINUTE_MS,
  );
  return {
    id: user.id,
    email: user.email,
    password: user.password,
    session: user.token,
    apiToken: own.token,
    ended,
    expired,
    ids,
    marks: [mark, user.email],
    secrets: [user.token, own.token, ended, ...keyTexts, ...channelSecrets, ...tokens.map(({ token }) => token)],
  };
}

/** What the tables keep secret of these users and of everybody who came later: hashes of passwords and tokens, ciphertexts. */
export async function storedSecrets(firstUserId: number): Promise<string[]> {
  const queries = [
    'SELECT password_hash AS secret FROM user WHERE id >= ?',
    'SELECT token_hash AS secret FROM api_token WHERE user_id >= ?',
    'SELECT token_hash AS secret FROM one_time_link WHERE user_id >= ?',
    'SELECT ciphertext AS secret FROM api_key WHERE user_id >= ? AND ciphertext IS NOT NULL',
    'SELECT ciphertext AS secret FROM channel WHERE user_id >= ?',
  ];
  const answers = await env.DB.batch<{ secret: string }>(queries.map((text) => env.DB.prepare(text).bind(firstUserId)));
  return answers.flatMap(({ results }) => results.map(({ secret }) => secret));
}
