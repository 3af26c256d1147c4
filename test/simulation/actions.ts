/** What users do with the monitor, at random. Whoever gets a 5xx just goes on. */
import { sha256Hex } from '../../src/lib/sha256.ts';
import type { Answer, CallOptions } from './client.ts';
import { createText, makeKey, makeSecondKey, type Person, type Token } from './people.ts';
import { violated } from './violation.ts';
import type { World } from './world.ts';

interface ListedKey {
  id: number;
  kind: string;
  hash: string;
  status: string;
  name: string;
}

type Action = (world: World, person: Person) => Promise<void>;

/** One of these statuses, or a failure of what is behind the monitor. */
const isAnswered = ({ status }: Answer, ...expected: number[]): boolean => expected.includes(status) || status >= 502;

/** Asks as the user. Nothing in an answer may be anybody else's. */
async function ask(world: World, person: Person, method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const answer = await world.call(method, path, { token: person.session, ...options });
  const foreign = /owner\d+of/g;
  for (const [mark] of answer.text.matchAll(foreign))
    if (mark !== person.mark) violated(`${method} ${path} shows ${person.mark} what ${mark} has`);
  return answer;
}

/** The user's keys, or none where that could not be had. */
export async function listKeys(world: World, person: Person): Promise<ListedKey[]> {
  const { status, body } = await ask(world, person, 'GET', '/api/keys');
  if (status !== 200) return [];
  const keys = body as ListedKey[];
  const hashes = new Set(await Promise.all([...person.texts].map(sha256Hex)));
  for (const { hash, id } of keys) if (!hashes.has(hash)) violated(`key ${id}, listed for ${person.mark}, is none of theirs`);
  return keys;
}

const createToken: Action = async (world, person) => {
  const { status, body } = await ask(world, person, 'POST', '/api/tokens', {
    body: { name: `${person.mark} token` },
    shows: (answer) => (answer as Token & { token: string }).token,
  });
  if (status !== 201) return;
  const { id, token } = body as { id: number; token: string };
  person.tokens.push({ id, text: token, state: 'active' });
};

const revokeToken: Action = async (world, person) => {
  if (person.tokens.length === 0) return;
  const token = world.dice.pick(person.tokens);
  if (token.state === 'active') token.state = 'unknown';
  const { status } = await ask(world, person, 'DELETE', `/api/tokens/${token.id}`);
  if (status === 204) token.state = 'revoked';
};

/** Reads with a token: one that is revoked never works again, one that is not always does. */
const useToken: Action = async (world, person) => {
  if (person.tokens.length === 0) return;
  const token = world.dice.pick(person.tokens);
  const before = token.state;
  const answer = await ask(world, person, 'GET', '/api/v1/stats', { token: token.text });
  if (before === 'revoked' && !isAnswered(answer, 401)) violated(`a revoked token was answered with ${answer.status}`);
  if (before === 'active' && token.state === 'active' && !isAnswered(answer, 200)) violated(`a token was answered with ${answer.status}`);
};

const readStats: Action = async (world, person) => {
  const { status, body } = await ask(world, person, 'GET', '/api/v1/stats');
  if (status !== 200) return;
  const own = new Set(world.d1.ask<{ id: number }>('SELECT id FROM api_key WHERE user_id = ?', person.id).map(({ id }) => id));
  const { by_key: keys } = body as { by_key: { key_id: number }[] };
  const all = new Set(world.d1.ask<{ id: number }>('SELECT id FROM api_key').map(({ id }) => id));
  for (const { key_id: id } of keys)
    if (all.has(id) && !own.has(id)) violated(`the stats of ${person.mark} hold key ${id}, which is not theirs`);
};

const readPage: Action = async (world, person) => {
  await ask(world, person, 'GET', world.dice.pick(['/keys', '/tokens', '/alerts', '/explore']), { cookie: person.session });
};

const touchForeign: Action = async (world, person) => {
  const keys = world.d1.ask<{ id: number }>('SELECT id FROM api_key WHERE user_id <> ? ORDER BY id', person.id);
  if (keys.length === 0) return;
  const path = `/api/keys/${world.dice.pick(keys).id}`;
  const [method, rest, body] = world.dice.pick([
    ['GET', '', undefined],
    ['PATCH', '', { name: `${person.mark} stolen` }],
    ['DELETE', '', undefined],
    ['POST', '/sync', undefined],
  ] as const);
  const answer = await ask(world, person, method, path + rest, body && { body });
  if (!isAnswered(answer, 401, 403, 404)) violated(`${method} of somebody else's key was answered with ${answer.status}`);
};

const health: Action = async (world) => {
  const { status } = await world.call('GET', '/health');
  if (status !== 200 && status !== 503) violated(`/health answered ${status}`);
};

const syncKey: Action = async (world, person) => {
  const keys = await listKeys(world, person);
  if (keys.length > 0) await ask(world, person, 'POST', `/api/keys/${world.dice.pick(keys).id}/sync`);
};

const pauseKey: Action = async (world, person) => {
  const keys = await listKeys(world, person);
  if (keys.length > 0) await ask(world, person, 'PATCH', `/api/keys/${world.dice.pick(keys).id}`, { body: { is_active: false } });
};

/** Lets every key be read; whether all of them are now. */
export async function resumeKeys(world: World, person: Person): Promise<boolean> {
  const keys = await listKeys(world, person);
  let count = 0;
  for (const { id } of keys) {
    const { status } = await ask(world, person, 'PATCH', `/api/keys/${id}`, { body: { is_active: true } });
    if (status === 200) count += 1;
  }
  return keys.length > 0 && count === keys.length;
}

const addKey: Action = async (world, person) => {
  const text = person.isManager || world.dice.chance(0.5) ? world.dice.pick(person.account.keys) : makeKey(world, person);
  await ask(world, person, 'POST', '/api/keys', { body: { name: `${person.mark} mine`, key: text } });
};

const replaceKey: Action = async (world, person) => {
  const own = (await listKeys(world, person)).filter(({ kind }) => kind === 'inference');
  if (own.length === 0) return;
  const key = world.dice.chance(0.4)
    ? world.dice.pick(person.second.account.keys)
    : person.isManager || world.dice.chance(0.5)
      ? world.dice.pick(person.account.keys)
      : makeKey(world, person);
  await ask(world, person, 'PATCH', `/api/keys/${world.dice.pick(own).id}`, { body: { key } });
};

/** The texts that a key has, or had. */
async function textsOf(world: World, person: Person, id: number): Promise<string[]> {
  const hashes = world.d1.ask<{ hash: string }>('SELECT hash FROM upstream_key WHERE api_key_id = ?1', id);
  const known = new Set(hashes.map(({ hash }) => hash));
  const texts = await Promise.all([...person.texts].map(async (text) => (known.has(await sha256Hex(text)) ? text : [])));
  return texts.flat();
}

/**
 * Deletes a key. Of an account that is read as a whole only one whose texts OpenRouter still has, and keeps: what a key spent with a text
 * that is gone is gone with the key.
 */
const deleteKey: Action = async (world, person) => {
  const own = (await listKeys(world, person)).filter(({ kind }) => kind === 'inference');
  if (own.length === 0) return;
  const { id } = world.dice.pick(own);
  if (person.isManager) {
    const texts = await textsOf(world, person, id);
    const alive = [...person.account.keys, ...person.second.account.keys];
    if (texts.some((text) => !alive.includes(text))) return;
    for (const text of texts) person.protectedTexts.add(text);
  }
  await ask(world, person, 'DELETE', `/api/keys/${id}`);
};

/** Adds a second management key of the account, or deletes one of two. One always stays. */
const changeManagement: Action = async (world, person) => {
  if (!person.isManager) return;
  const second = await sha256Hex(person.second.account.management);
  const keys = (await listKeys(world, person)).filter(
    ({ kind, id, hash }) => kind === 'management' && hash !== second && !person.deleted.has(id),
  );
  if (keys.length === 1)
    await ask(world, person, 'POST', '/api/keys', { body: { name: `${person.mark} other account`, key: makeKey(world, person, true) } });
  if (keys.length < 2) return;
  const { id } = world.dice.pick(keys);
  person.deleted.add(id);
  await ask(world, person, 'DELETE', `/api/keys/${id}`);
};

/** Gives the monitor the management key of the other account, once, at some time. */
const addSecondAccount: Action = async (world, person) => {
  if (!person.isManager || person.second.account.management !== '') return;
  const key = makeSecondKey(world, person, true);
  await ask(world, person, 'POST', '/api/keys', { body: { name: `${person.mark} second account`, key } });
};

/** Adds a key that OpenRouter does not know. */
const mistype: Action = async (world, person) => {
  const key = createText(world);
  person.texts.add(key);
  await ask(world, person, 'POST', '/api/keys', { body: { name: `${person.mark} mistyped`, key } });
};

const ACTIONS: readonly [number, Action][] = [
  [6, createToken],
  [4, revokeToken],
  [6, useToken],
  [6, readStats],
  [1, readPage],
  [3, touchForeign],
  [1, health],
  [10, syncKey],
  [2, pauseKey],
  [3, async (world, person) => void (await resumeKeys(world, person))],
  [5, addKey],
  [4, replaceKey],
  [3, deleteKey],
  [2, changeManagement],
  [1, addSecondAccount],
  [2, mistype],
];
const DECK: readonly Action[] = ACTIONS.flatMap(([weight, action]) => Array.from({ length: weight }, () => action));

/** Does something, now and then the same twice at once. */
export async function act(world: World, person: Person): Promise<void> {
  const action = world.dice.pick(DECK);
  const times = world.dice.chance(0.15) ? 2 : 1;
  await Promise.all(Array.from({ length: times }, () => action(world, person)));
}
