/** What `npm run mutate` takes out: each line is a guard that a test must miss. */
import { ALERTS } from './alerts.ts';
import { EDGES } from './edges.ts';
import { type Guard, type Kind, of, type Spared } from './find.ts';
import { ROOMS } from './rooms.ts';

const STORES = /^src\/[\w/-]*store\.ts$/;
const OWNERS = ['scenario/owners'];

/** Whose a row is, in all statements of the stores; and what is on record. */
export const KINDS: Kind[] = [
  {
    files: STORES,
    out: /eq\((?:\w+\.userId|user\.id), userId\)/g,
    by: 'undefined',
    tests: OWNERS,
  },
  { files: STORES, out: /[+\w.]*\buser_id = (:userId)\b/g, by: '$1 IS NOT NULL', tests: OWNERS },
  { files: STORES, out: /\w+\.user_id = \w+\.user_id/g, by: '1', tests: OWNERS },
  { files: STORES, out: /\$\{(?:\w+\.)?userId\} = \$\{USER_ID\}/g, by: '1', tests: OWNERS },
  { files: STORES, out: /eq\(\w+\.(?:userId|id), \w+\.userId\)/g, by: 'undefined', tests: [...OWNERS, 'scenario/guards'] },
  {
    files: /^src\/(?:users|user-data|alerts|keys|tokens)\//,
    out: /await record\(deps, [^;]*\);/g,
    by: ';',
    tests: ['scenario/audit', 'scenario/guards'],
  },
];

/** Places that change nothing. */
export const SPARED: Spared[] = [
  {
    file: 'src/alerts/events/store.ts',
    at: 'ON x.user_id = e.user_id AND x.created_at',
    why: 'Leads the index: deliveries are found by their channel too, and events by their user.',
  },
  {
    file: 'src/alerts/store.ts',
    at: 'FROM channel WHERE user_id = :userId AND ciphertext = :ciphertext',
    why: 'Leads the index: no two ciphertexts are the same.',
  },
  {
    file: 'src/keys/store.ts',
    at: "DELETE FROM api_key WHERE user_id = :userId AND kind = 'discovered'",
    why: 'The keys upstream that name them are of the user.',
  },
  {
    file: 'src/keys/store.ts',
    at: 'account.user_id = :userId AND account.reader_id = :managementId',
    why: 'What goes with an account is of the user.',
  },
  {
    file: 'src/sync/store.ts',
    at: 'SELECT id FROM api_key WHERE user_id = :userId AND NOT is_active',
    why: 'Leads the index: the keys that are looked up are of the user.',
  },
  {
    file: 'src/sync/listing-store.ts',
    at: 'WHERE api_key_id = :managementId AND user_id = :userId AND ${IS_MANAGER}',
    why: 'IS_MANAGER asks for the user.',
  },
  {
    file: 'src/sync/listing-store.ts',
    at: 'WHERE m.api_key_id = :managementId AND m.user_id = :userId)',
    why: 'IS_MANAGER asks for the user.',
  },
  {
    file: 'src/keys/store.ts',
    at: 'AS u WHERE u.user_id = :userId AND u.account_id = account.id',
    why: 'Leads the index: what an account has is of its user.',
  },
  {
    file: 'src/usage/booking/source-store.ts',
    at: 'ON u.account_id = a.id AND u.user_id = a.user_id',
    why: 'What an account has is of its user.',
  },
  {
    file: 'src/sync/listing-store.ts',
    at: 'WHERE m.api_key_id = :managementId AND m.user_id = :userId AND m.opened_by',
    why: 'IS_MANAGER asks for the user.',
  },
  {
    file: 'src/keys/rotation-store.ts',
    at: 'WHERE user_id = :userId AND id = :id AND ${isOurs} RETURNING id',
    why: 'What decides asks for the user.',
  },
];

export const GUARDS: Guard[] = [
  ...EDGES,
  ...ALERTS,
  ...ROOMS,
  ...of(
    'src/crypto/cipher.ts',
    ['pure/secrets'],
    [
      'place.column, ',
      'place.userId, ',
      'place.hash, ',
      ['crypto.getRandomValues(new Uint8Array(IV_BYTES))', 'new Uint8Array(IV_BYTES)'],
      'version !== VERSION || ',
      ' || rest.length > 0',
    ],
  ),
  ...of(
    'src/crypto/jwt.ts',
    ['pure/secrets'],
    [
      "algorithms: ['HS256'],",
      'issuer: ISSUER,',
      'audience: AUDIENCE,',
      'currentDate: new Date(now),',
      'if (!TOKEN.test(token)) return null;',
      ' || verified.expiresAt <= Math.floor(now / 1000)',
      ['return isSound ?', 'return true ?'],
    ],
  ),
  ...of(
    'src/crypto/password.ts',
    ['pure/secrets'],
    [
      ['{ ln: 15,', '{ ln: 14,'],
      ['randomBytes(SALT_BYTES)', 'Buffer.alloc(SALT_BYTES)'],
      ['timingSafeEqual(actual, expected)', 'true'],
      ".normalize('NFKC')",
    ],
  ),
  ...of(
    'src/crypto/secret-token.ts',
    ['pure/secrets', 'scenario/tokens'],
    [
      ['text.slice(length) === checksum(text.slice(0, length))', 'true'],
      ['text.startsWith(prefix)', 'true'],
      ['RANDOM_LENGTH = 40', 'RANDOM_LENGTH = 20'],
    ],
  ),
  ...of('src/crypto/secret-token.ts', ['scenario/tokens', 'scenario/canary'], [['sha256Hex(token)', 'Promise.resolve(token)']]),
];
