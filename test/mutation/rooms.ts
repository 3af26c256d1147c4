/** What `npm run mutate` takes out of accounts, tokens, keys, views, and the audit log. */
import { type Guard, of } from './find.ts';

const HERE = 'scenario/guards';
const ACCOUNTS = 'scenario/accounts';

export const ROOMS: Guard[] = [
  ...of(
    'src/users/store.ts',
    [HERE, ACCOUNTS, 'scenario/owners'],
    [
      [" AND ${session.expiresAt} > ${sql.placeholder('now')}", ''],
      ["'used_at IS NULL AND expires_at", "'expires_at"],
      ["AND expires_at > :now'", "AND :now IS NOT NULL'"],
      [' AND password_hash = :passwordHash RETURNING id`', ' AND :passwordHash IS NOT NULL RETURNING id`'],
      [" AND password_hash = :oldHash RETURNING id'", " AND :oldHash IS NOT NULL RETURNING id'"],
      ['WHERE id = :userId AND ${isAllowed}', 'WHERE id = :userId AND :tokenHash <> :now'],
      ['AND id <> :keptSessionId AND ${isChanged}', 'AND id <> :keptSessionId AND id < 0 AND ${isChanged}'],
      ['`DELETE FROM session WHERE user_id = :userId AND ${isAllowed}`', '`SELECT :tokenHash, :now, :userId`'],
      ['iif(started_at <= :now - :windowMs, 1, failures + 1)', 'failures + 1'],
      [
        ':tokenHash IS NULL OR EXISTS (SELECT 1 FROM one_time_link WHERE token_hash = :tokenHash AND user_id IS NULL AND ${IS_OPEN_LINK})',
        "coalesce(:tokenHash, '') IS NOT NULL",
      ],
      ['SET used_at = :now WHERE token_hash = :tokenHash AND', 'SET used_at = :now WHERE token_hash = :tokenHash AND 0 AND'],
      [
        'SET used_at = :now WHERE user_id = :userId AND used_at IS NULL AND ${isChanged}',
        'SET used_at = :now WHERE 0 AND user_id = :userId AND ${isChanged}',
      ],
      [
        'SET used_at = :now WHERE user_id = :userId AND used_at IS NULL AND ${isAllowed}',
        'SET used_at = :now WHERE 0 AND user_id = :userId AND ${isAllowed}',
      ],
      ['eq(user.passwordHash, oldHash)', 'undefined'],
      ['gt(session.expiresAt, now)', 'undefined'],
    ],
  ),
  ...of(
    'src/users/password-check.ts',
    [HERE, ACCOUNTS],
    [
      ['refuseLocked(await store.findFailures(deps.db, throttle), deps.now());\n  if', 'if'],
      ['refuseLocked(await store.findFailures(deps.db, throttle), deps.now());\n    await', 'await'],
      'if (failures.count > MAX_FAILURES) refuseLocked(failures, now);',
      ['email.toLowerCase()', 'email'],
      ['!(await checkOwnPassword(deps, actor, row, password))', 'false'],
      ['row?.passwordHash ?? null', "row?.passwordHash ?? ''"],
      ['isRight ? row : null', 'row'],
      'await store.forgetFailures(deps.db, throttle);',
    ],
  ),
  ...of(
    'src/users/password-check.ts',
    ['scenario/known-browser'],
    [
      ['isKnown ? `browser:${browser.browserId}` : hashEmail(email)', 'hashEmail(email)'],
      ['`session:${authorizeSession(actor).sessionId}`', "'session'"],
    ],
  ),
  ...of(
    'src/users/known-browser.ts',
    ['scenario/known-browser'],
    [
      ['before?.userId === account.id ?', 'before ?'],
      ['browser.passwordMark === (await markOf(account))', 'true'],
    ],
  ),
  ...of(
    'src/users/model.ts',
    ['pure/rules', ACCOUNTS],
    [
      ['MAX_FAILURES = 10', 'MAX_FAILURES = 12'],
      ['SESSION_MS = 7 *', 'SESSION_MS = 8 *'],
      ['FAILURE_WINDOW_MS = 15 *', 'FAILURE_WINDOW_MS = 14 *'],
      ['length >= 12', 'length >= 11'],
      ['!isPattern(password)', 'true'],
      ".max(1000, 'Is too long')",
    ],
  ),
  ...of('src/users/new-password.ts', [ACCOUNTS], [["isListed(await deps.readAsset('common-passwords.txt'), password)", 'false']]),
  ...of(
    'src/users/actions.ts',
    [ACCOUNTS, HERE],
    [
      ['!isSecretToken(TOKEN_PREFIX.invitation, invite)', 'false'],
      ['(await store.hasInvitation(deps.db, tokenHash, deps.now()))', 'true'],
      'await store.deleteSession(deps.db, userId, sessionId);',
      'await store.deleteOtherSessions(deps.db, userId, sessionId);',
      ['!isSecretToken(TOKEN_PREFIX.passwordReset, input.token)', 'false'],
      [
        '!(await store.resetPassword(deps.db, userId, tokenHash, newHash, deps.now()))',
        '(await store.resetPassword(deps.db, userId, tokenHash, newHash, deps.now()), false)',
      ],
      [
        '!(await store.changePassword(deps.db, userId, row.passwordHash, newHash, sessionId, deps.now()))',
        '(await store.changePassword(deps.db, userId, row.passwordHash, newHash, sessionId, deps.now()), false)',
      ],
      'await store.forgetFailures(deps.db, await hashEmail(user.email));',
      ['deps.passwords.needsRehash(user.passwordHash)', 'false'],
    ],
  ),
  ...of('src/users/actions.ts', ['scenario/audit'], ['await recordFailedSignIn(deps, input.email);']),
  ...of(
    'src/user-data/actions.ts',
    [ACCOUNTS, HERE],
    [
      '...store.deleteUserStatements(deps.db, userId, await hashEmail(email)),',
      'deleteAllKeysStatement(deps.db, userId),',
      '...deleteAllAccountsStatements(deps.db, userId),',
      'deleteAllViewsStatement(deps.db, userId),',
      'deleteAllTokensStatement(deps.db, userId),',
      '...deleteAllAlertsStatements(deps.db, userId),',
      'deleteAllSumsStatement(deps.db, userId),',
      'requestPurgeStatement(deps.db, userId, deps.now()),',
      '...closeStatements(deps, userId),',
    ],
  ),
  ...of(
    'src/user-data/export.ts',
    ['scenario/canary', 'scenario/audit'],
    [['(await listTokens(deps, actor)).map(presentToken)', 'await listTokens(deps, actor)']],
  ),
  ...of(
    'src/users/sign-in-pages.tsx',
    [ACCOUNTS, 'scenario/pages'],
    [
      "throttle: 'login',",
      "throttle: 'register',",
      "throttle: 'reset-password',",
      ["localPath(next ?? '') ?? ", 'next ?? '],
      ['await leave(deps, actor);\n    return { to: localPath', 'return { to: localPath'],
      ['await leave(deps, actor);\n    return { to: HOME', 'return { to: HOME'],
    ],
  ),
  ...of(
    'src/users/sign-in-pages.tsx',
    ['scenario/public-url'],
    [
      ['requireCookies(c);\n    const { session,', 'const { session,'],
      ['requireCookies(c);\n    const { userId,', 'const { userId,'],
    ],
  ),
  ...of('src/users/api.ts', [ACCOUNTS], ["throttle: 'register',", "throttle: 'login',", "throttle: 'reset-password',"]),
  ...of(
    'src/audit/actions.ts',
    ['scenario/audit'],
    ["store.insertEventOfEmailStatement(deps.db, email, eventOf(deps, 'sign_in_failed', null, null))", ', address: null, client: null'],
  ),
  ...of('src/audit/store.ts', ['scenario/audit'], [['min(:at, ${mayGo})', ':at']]),
  ...of(
    'migrations/0005_audit.sql',
    ['scenario/audit'],
    [
      ["SELECT RAISE(ABORT, 'the audit log is append-only')", 'SELECT 1'],
      ["SELECT RAISE(ABORT, 'the audit log is kept for 365 days')", 'SELECT 1'],
    ],
  ),
  ...of(
    'src/actor.ts',
    ['pure/rules'],
    [
      ["if (permission === 'read') return", 'return'],
      [`return fail({ kind: 'unauthenticated', detail: 'Send "Authorization: Bearer" with a session or an API token.' });`, 'return 0;'],
    ],
  ),
  ...of(
    'src/tokens/store.ts',
    ['scenario/tokens', 'scenario/owners'],
    [
      ['eq(apiToken.isActive, true)', 'undefined'],
      ['is_active = 1) < :max', 'is_active = 1) < :max + 99'],
      [' AND EXISTS (SELECT 1 FROM user WHERE id = :userId) RETURNING', ' RETURNING'],
    ],
  ),
  ...of('src/tokens/actions.ts', ['scenario/tokens'], [['!(await deps.limits.token(tokenHash))', 'false']]),
  ...of(
    'src/keys/rotation-store.ts',
    ['scenario/keys', 'scenario/owners'],
    [["kind <> 'discovered') < :max", "kind <> 'discovered') < :max + 99"], ' AND EXISTS (SELECT 1 FROM user WHERE id = :userId)'],
  ),
  ...of(
    'src/keys/rotation.ts',
    ['scenario/keys', 'scenario/canary'],
    [
      "if (!answer.ok && answer.error.kind === 'unauthorized') failField('key', describeReadError(answer.error));",
      ['label: maskKey(secret)', 'label: secret'],
    ],
  ),
  ...of('src/keys/actions.ts', ['scenario/audit'], ["recordStatement(deps, userId, actor, 'key_deleted', key.name),"]),
  ...of(
    'src/explore/store.ts',
    [HERE, 'scenario/owners'],
    [['name <> :name) < :max', 'name <> :name) < :max + 99'], ' AND EXISTS (SELECT 1 FROM user WHERE id = :userId)'],
  ),
  ...of(
    'src/keys/model.ts',
    ['scenario/keys', 'pure/rules'],
    [
      ['body.length < 24', 'false'],
      ['{body.slice(0, 3)}', '{body}'],
    ],
  ),
  ...of(
    'src/usage/rollup/store.ts',
    ['scenario/owners'],
    [['stats_version WHERE id = :userId', 'stats_version WHERE :userId IS NOT NULL']],
  ),
  ...of('src/rewrap/store.ts', ['scenario/rewrap'], [" AND ${table}.ciphertext = ${jsonField('was')}"]),
];
