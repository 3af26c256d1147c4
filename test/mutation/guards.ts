/** What `npm run mutate` takes out: each line is a guard that a test must miss. */
import { ALERTS } from './alerts.ts';
import { EDGES } from './edges.ts';
import { type Guard, type Kind, of, type Spared } from './find.ts';
import { ROOMS } from './rooms.ts';

const STORES = /^src\/\w+\/[\w-]*store\.ts$/;
const OWNERS = ['scenario/owners'];

/** Whose a row is, in all statements of the stores; and what is on record. */
export const KINDS: Kind[] = [
  {
    files: STORES,
    out: /eq\((?:\w+\.userId|user\.id), (?:userId|USER_ID|sql\.placeholder\('userId'\))\)/g,
    by: 'undefined',
    tests: OWNERS,
  },
  { files: STORES, out: /[+\w.]*\buser_id = (\?\d?)/g, by: '$1 IS NOT NULL', tests: OWNERS },
  { files: STORES, out: /\w+\.user_id = \w+\.user_id/g, by: '1', tests: OWNERS },
  { files: STORES, out: /\$\{(?:\w+\.)?userId\} = \$\{(?:USER_ID|id)\}/g, by: '1', tests: OWNERS },
  { files: STORES, out: /eq\(\w+\.(?:userId|id), \w+\.userId\)/g, by: 'undefined', tests: [...OWNERS, 'scenario/guards'] },
  {
    files: /^src\/(?:accounts|alerts|keys|tokens)\//,
    out: /await record\(deps, [^;]*\);/g,
    by: ';',
    tests: ['scenario/audit', 'scenario/guards'],
  },
];

/** Places that change nothing. */
export const SPARED: Spared[] = [
  {
    file: 'src/usage/usage-store.ts',
    at: 'd.user_id = ?1 AND d.day = c.day',
    why: 'Leads the clustered key: ids of keys upstream are of one user anyway.',
  },
  {
    file: 'src/keys/text-store.ts',
    at: 'FROM api_key_alias AS a WHERE a.user_id = ?1 AND a.hash = ?4 AND a.api_key_id = ?2',
    why: 'Leads the clustered key: the key that is updated is of the user, and so are its aliases.',
  },
  {
    file: 'src/alerts/event-store.ts',
    at: 'ON x.user_id = e.user_id AND x.created_at',
    why: 'Leads the index: deliveries are found by their channel too, and events by their user.',
  },
  {
    file: 'src/alerts/store.ts',
    at: 'FROM channel WHERE user_id = ?1 AND ciphertext = ?2',
    why: 'Leads the index: no two ciphertexts are the same.',
  },
  {
    file: 'src/management/listing-store.ts',
    at: 'complete_at = ?3 WHERE user_id = ?1 AND api_key_id = ?2 AND ${IS_OURS}',
    why: 'IS_OURS asks for the user.',
  },
  { file: 'src/management/store.ts', at: 'u.management_id = ?2 AND u.user_id = ?1', why: 'Marks rows that were found with the user.' },
  {
    file: 'src/management/store.ts',
    at: "DELETE FROM api_key WHERE user_id = ?1 AND kind = 'discovered'",
    why: 'The keys upstream that name them are of the user.',
  },
  {
    file: 'src/management/store.ts',
    at: 'AND id IN (SELECT api_key_id FROM upstream_key WHERE user_id = ?1',
    why: 'The keys that are deleted are of the user.',
  },
  {
    file: 'src/management/store.ts',
    at: 'AND upstream_key_id IN (SELECT id FROM upstream_key WHERE user_id = ?1 AND hash IS NULL',
    why: 'Leads the index: the days that are set are of the user.',
  },
  {
    file: 'src/management/store.ts',
    at: "const accounts = 'SELECT management_id FROM upstream_key WHERE user_id = ?1",
    why: 'What is doubted is of the user.',
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
