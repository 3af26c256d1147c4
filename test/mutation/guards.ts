/** What `npm run mutate` takes out of the rooms and of crypto: each line is a guard that a test must miss. */

import { EDGES } from './edges.ts';
import { type Guard, type Kind, of, type Spared } from './find.ts';

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
  {
    files: /^src\/(?:accounts|keys|tokens)\//,
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
    at: "const accounts = 'SELECT management_id FROM upstream_key WHERE user_id = ?1",
    why: 'What is doubted is of the user.',
  },
];

const HERE = 'scenario/guards';
const ACCOUNTS = 'scenario/accounts';

export const GUARDS: Guard[] = [
  ...EDGES,
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
      ' && phc !== null',
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
  ...of(
    'src/accounts/store.ts',
    [HERE, ACCOUNTS, 'scenario/owners'],
    [
      ["gt(session.expiresAt, sql.placeholder('now'))", 'undefined'],
      ["'used_at IS NULL AND expires_at", "'expires_at"],
      ["AND expires_at > ?2'", "AND ?2 IS NOT NULL'"],
      ' AND password_hash = ?2 RETURNING id`;',
      [" AND password_hash = ?2 RETURNING id'", " AND ?2 IS NOT NULL RETURNING id'"],
      ['WHERE id = ?3 AND ${isAllowed}', 'WHERE id = ?3 AND ?1 <> ?2'],
      ['AND id <> ?2 AND ${isChanged}', 'AND id <> ?2 AND id < 0 AND ${isChanged}'],
      ['`DELETE FROM session WHERE user_id = ?3 AND ${isAllowed}`', '`SELECT ?1, ?2, ?3`'],
      ['iif(started_at <= ?2 - ?3, 1, failures + 1)', 'failures + 1'],
    ],
  ),
  ...of(
    'src/accounts/password-check.ts',
    [HERE, ACCOUNTS],
    [
      'refuseLocked(await store.findFailures(deps.db, emailHash), deps.now());\n  if',
      'refuseLocked(await store.findFailures(deps.db, emailHash), deps.now());\n    await',
      'if (failures.count > MAX_FAILURES) refuseLocked(failures, now);',
      ['email.toLowerCase()', 'email'],
      ['!(await checkPassword(deps, emailHash, password, row.passwordHash))', 'false'],
    ],
  ),
  ...of(
    'src/accounts/model.ts',
    [ACCOUNTS],
    [
      ['MAX_FAILURES = 10', 'MAX_FAILURES = 12'],
      ['SESSION_MS = 7 *', 'SESSION_MS = 8 *'],
    ],
  ),
  ...of('src/accounts/new-password.ts', [ACCOUNTS], ['if (isListed(']),
  ...of(
    'src/accounts/actions.ts',
    [ACCOUNTS, HERE],
    [
      ['row?.passwordHash ?? null', "row?.passwordHash ?? ''"],
      ['if (!row || !isRight)', 'if (!row)'],
      ['!isSecretToken(TOKEN_PREFIX.invitation, invite)', 'false'],
      ['(await store.hasInvitation(deps.db, tokenHash, deps.now()))', 'true'],
      'await store.deleteSession(deps.db, userId, sessionId);',
      'await store.deleteOtherSessions(deps.db, userId, sessionId);',
      '...store.deleteUserStatements(deps.db, userId, emailHash),',
      '...deleteAllKeysStatements(deps.db, userId),',
      '...deleteAllAccountsStatements(deps.db, userId),',
      'deleteAllViewsStatement(deps.db, userId),',
      'deleteAllTokensStatement(deps.db, userId),',
      '...deleteAllAlertsStatements(deps.db, userId),',
      'deleteAllSumsStatement(deps.db, userId),',
      'requestPurgeStatement(deps.db, userId, deps.now()),',
      '...closeStatements(deps, userId),',
    ],
  ),
  ...of('src/accounts/entrance.tsx', ['scenario/pages'], ["throttle: 'login',", "localPath(next ?? '') ?? "]),
  ...of('src/accounts/api.ts', [ACCOUNTS], ["throttle: 'register',", "throttle: 'login',", "throttle: 'reset-password',"]),
  ...of(
    'src/audit/actions.ts',
    ['scenario/audit'],
    ["store.insertEventOfEmailStatement(deps.db, email, eventOf(deps, 'sign_in_failed', null, null))", ', address: null, client: null'],
  ),
  ...of('src/audit/store.ts', ['scenario/audit'], [['min(?1, ${mayGo})', '?1']]),
  ...of('src/actor.ts', ['pure/rules'], [["if (permission === 'read') return", 'return']]),
  ...of(
    'src/tokens/store.ts',
    ['scenario/tokens', 'scenario/owners'],
    [
      ['eq(apiToken.isActive, true)', 'undefined'],
      ['is_active = 1) < ?6', 'is_active = 1) < ?6 + 99'],
      [' AND EXISTS (SELECT 1 FROM user WHERE id = ?1) RETURNING', ' RETURNING'],
    ],
  ),
  ...of('src/tokens/actions.ts', ['scenario/tokens'], [['!(await deps.limits.token(tokenHash))', 'false']]),
  ...of(
    'src/keys/text-store.ts',
    ['scenario/keys', 'scenario/owners'],
    [["kind <> 'discovered') < ?10", "kind <> 'discovered') < ?10 + 99"]],
  ),
  ...of(
    'src/keys/model.ts',
    ['scenario/keys', 'pure/rules'],
    [
      ['body.length < 24', 'false'],
      ['{body.slice(0, 3)}', '{body}'],
    ],
  ),
  ...of('src/secrets/store.ts', ['scenario/rewrap'], [" AND ${table}.ciphertext = ${jsonField('was')}"]),
  ...of('src/alerts/channel-actions.ts', ['scenario/alerts'], ["if ('url' in input && !isAllowedUrl(input.url, origin))"]),
  ...of(
    'src/alerts/channel-model.ts',
    ['pure/alerts', 'scenario/alerts'],
    [
      ["protocol === 'https:' ||", 'true ||'],
      [' && isLoopback(new URL(origin).hostname)', ''],
      ["+ new URL(text).password === ''", "+ new URL(text).password !== '-'"],
      ['/…`', '/…${input.url}`'],
    ],
  ),
  ...of(
    'src/alerts/delivery.ts',
    [HERE, 'scenario/alerts'],
    [
      "if (!isAllowedUrl(outgoing.url, channel.origin)) return 'Its address is not https.';",
      "redirect: 'manual',",
      ' signal: AbortSignal.timeout(TIMEOUT_MS)',
      ["'It could not be reached.'", 'String(error)'],
    ],
  ),
];
