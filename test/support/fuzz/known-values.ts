/** What the `Known` values of a planned request stand for when it is sent. */
import { env } from 'cloudflare:workers';
import { createSecretToken, hashSecretToken, TOKEN_PREFIX } from '../../../src/crypto/secret-token.ts';
import { DAY_MS } from '../../../src/lib/day.ts';
import { MODELS, PROVIDERS } from '../openrouter/catalog.ts';
import { freshKeyText, type World } from '../world.ts';
import { Known } from './mutations.ts';
import type { Person } from './people.ts';

/** Two users of one world, and what was learned from the answers that they got. */
export interface Scene {
  world: World;
  people: readonly [Person, Person];
  /** Texts that no answer may contain. */
  secrets: Set<string>;
  /** `next_cursor`s by path. */
  cursors: Map<string, string[]>;
}

/** As whom a request is sent, and whether it names what is the other one's. */
export interface Asker {
  person: Person;
  other: Person;
  namesForeign: boolean;
}

const at = <T>(list: readonly T[], pick: number): T | undefined => list[pick % Math.max(1, list.length)];

function secret(scene: Scene, text: string): string {
  scene.secrets.add(text);
  return text;
}

/** Of ten new keys one is unknown to OpenRouter, and one is a management key. */
function newKeyText(scene: Scene, pick: number): string {
  const text = secret(scene, freshKeyText());
  if (pick % 10 > 0) scene.world.simulator.addKey(text, { isManagement: pick % 10 === 1 });
  return text;
}

/** The token of a link to reset a password, of a user who is nobody else. */
async function newResetToken(scene: Scene): Promise<string> {
  const { clock, makeUser } = scene.world;
  const token = secret(scene, createSecretToken(TOKEN_PREFIX.passwordReset));
  await env.DB.prepare('INSERT INTO one_time_link (token_hash, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)')
    .bind(await hashSecretToken(token), (await makeUser()).id, clock.now, clock.now + DAY_MS)
    .run();
  return token;
}

function foreignId(asker: Asker, path: string, pick: number): number {
  const id = at(asker.other.ids.get(path) ?? [], pick);
  asker.namesForeign ||= id !== undefined;
  return id ?? 1;
}

type Lookup = (scene: Scene, asker: Asker, pick: number, path: string) => unknown;

const givenPassword: Lookup = (_scene, { person }, pick) => (pick % 10 === 0 ? 'not the passphrase' : person.password);

/** By the first word of a `Known`'s name; the second is a path. */
const LOOKUPS: Record<string, Lookup> = {
  own: (_scene, { person }, pick, path) => at(person.ids.get(path) ?? [], pick) ?? 1,
  foreign: (_scene, asker, pick, path) => foreignId(asker, path, pick),
  cursor: ({ cursors }, _asker, pick, path) => at(cursors.get(path) ?? [], pick) ?? 'none',
  email: (_scene, { person }, pick) => (pick % 2 === 0 ? `fuzz.${crypto.randomUUID()}@example.org` : person.email),
  password: givenPassword,
  current_password: givenPassword,
  new_password: (scene) => secret(scene, `a passphrase ${crypto.randomUUID()}`),
  token: newResetToken,
  key: (scene, _asker, pick) => newKeyText(scene, pick),
  url: (scene) => `https://hooks.example.org/${secret(scene, crypto.randomUUID())}`,
  bot_token: (scene) => `7:${secret(scene, crypto.randomUUID())}`,
  model: (_scene, _asker, pick) => at(MODELS, pick)?.[pick % 2 === 0 ? 'slug' : 'permaslug'],
  provider: (_scene, _asker, pick) => at(PROVIDERS, pick),
};

/** The value with what its `Known`s stand for; notes at the asker if one of them is the other user's. */
export async function resolve(scene: Scene, asker: Asker, value: unknown): Promise<unknown> {
  if (value instanceof Known) {
    const [kind = '', path = ''] = value.name.split(' ');
    const lookup = LOOKUPS[kind];
    if (!lookup) throw new Error(`nothing is known as ${value.name}`);
    return lookup(scene, asker, value.pick, path);
  }
  if (Array.isArray(value)) return Promise.all(value.map((item) => resolve(scene, asker, item)));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(async ([name, item]) => [name, await resolve(scene, asker, item)] as const);
  return Object.fromEntries(await Promise.all(entries));
}
