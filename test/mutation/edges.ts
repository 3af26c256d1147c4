/** What `npm run mutate` takes out where requests, pages and answers of OpenRouter come in. */
import { type Guard, of } from './find.ts';

const CSP_UNSAFE = "'unsafe-inline'";
const HERE = 'scenario/guards';
const ACCOUNTS = 'scenario/accounts';

export const EDGES: Guard[] = [
  ...of(
    'src/openrouter/client.ts',
    ['pure/openrouter', 'scenario/upstream'],
    [
      "redirect: 'manual',",
      'signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),',
      ['size > limit', 'false'],
      ['answer.value.hash !== hash', 'false'],
      ['!isSet(settingsOf(answer.value), change)', 'false'],
      ['page < MAX_PAGES', 'page < 1e9'],
    ],
  ),
  ...of('src/openrouter/failure.ts', ['pure/openrouter', 'scenario/upstream'], [['isAboutKey(body) ?', 'true ?']]),
  ...of(
    'src/openrouter/account.ts',
    [HERE],
    [
      ['name.slice(0, MAX_NAME_LENGTH)', 'name'],
      ['MASK.test(record.label) ?', 'true ?'],
    ],
  ),
  ...of('src/openrouter/schema.ts', ['pure/openrouter'], ['.regex(/^[a-z_]{1,20}$/)']),
  ...of(
    'src/http/cookies.ts',
    ['scenario/pages'],
    [
      ['cookie : `__Host-${cookie}`', 'cookie : cookie'],
      'httpOnly: true, ',
      "sameSite: 'Lax', ",
      ['secure: !isPlain(c)', 'secure: false'],
      ["({ column: 'cookie.flash', userId,", "({ column: 'cookie.flash', userId: 0,"],
      'if (flash && flash.at !== c.req.path) return null;',
    ],
  ),
  ...of(
    'src/http/cookies.ts',
    ['scenario/known-browser'],
    [["browser && c.get('deps').now() - browser.since < KNOWN_BROWSER_MS ? browser : null", 'browser']],
  ),
  ...of(
    'src/http/pages/page.tsx',
    ['scenario/pages', 'scenario/forms', HERE],
    [
      'csrf({ origin: (origin, c) => origin === publicOriginOf(c) }), ',
      ['[recogniseViewer, requireViewer]', '[recogniseViewer]'],
      ['shownOf(await readForm(c), kept)', 'await readForm(c)'],
    ],
  ),
  ...of(
    'src/http/forms/form-failure.ts',
    ['scenario/forms', 'scenario/pages', HERE],
    [' && !KEY_TEXT.test(value)', ['kept.includes(name)', 'true']],
  ),
  ...of(
    'src/http/route.ts',
    [HERE],
    [
      ['session: [requireSession]', 'session: [recogniseSession]'],
      ['reader: [requireReader]', 'reader: []'],
    ],
  ),
  ...of(
    'src/http/guard.ts',
    ['scenario/tokens'],
    ["if (!isSecretToken(TOKEN_PREFIX.api, credential)) refuse('This is not an API token of this monitor: its checksum is wrong.');"],
  ),
  ...of(
    'src/http/rate-limit.ts',
    [ACCOUNTS, HERE],
    [
      ['!(await c.get', 'false && !(await c.get'],
      ['addressKey(', '('],
    ],
  ),
  ...of('src/http/etag.ts', [HERE], ['userIdOf(actor), ', 'stats.version, ', ['query, dayOf', 'dayOf']]),
  ...of('src/http/origin.ts', ['scenario/public-url'], ["c.get('deps').config.publicUrl ?? "]),
  ...of(
    'src/http/strict-transport.ts',
    [HERE],
    [
      ["isForSubdomains ? '; includeSubDomains' : ''", "'; includeSubDomains'"],
      ['MAX_AGE_S = 31_536_000', 'MAX_AGE_S = 0'],
    ],
  ),
  ...of(
    'src/jobs/health.ts',
    ['scenario/jobs'],
    [
      ["const isSignedIn = actor.kind === 'user';", 'const isSignedIn = true;'],
      ['if (missing.length > 0)', 'if (false)'],
    ],
  ),
  ...of('src/lib/address.ts', ['pure/rules'], [['.slice(0, 4)', '.slice(0, 8)']]),
  ...of('src/lib/local-path.ts', ['pure/pages'], [['url.origin === BASE', 'true'], " && !url.pathname.startsWith('//')"]),
  ...of('src/lib/csv.ts', ['pure/rules'], [['FORMULA.test(text) &&', 'false &&']]),
  ...of(
    'src/lib/csv.ts',
    ['pure/rules', 'pure/explore'],
    [
      [
        '[header, ...rows].map((row) => csvFormatRow(row.map(cell)))',
        '[csvFormatRow([...header]), ...rows.map((row) => csvFormatRow(row.map(cell)))]',
      ],
    ],
  ),
  ...of(
    'src/lib/name.ts',
    ['scenario/tokens', HERE],
    [
      '.max(100, LENGTH)',
      "  .refine((name) => name.isWellFormed(), 'Must be well-formed Unicode')\n",
      "  .regex(/^\\P{Cc}*$/u, 'Must not contain control characters')",
    ],
  ),
  ...of(
    'src/app.ts',
    [HERE, 'scenario/pages'],
    [
      [`scriptSrc: ["'self'"]`, `scriptSrc: ["'self'", "${CSP_UNSAFE}"]`],
      [`styleSrc: ["'self'"]`, `styleSrc: ["'self'", "${CSP_UNSAFE}"]`],
      [`defaultSrc: ["'none'"],`, ''],
      `formAction: ["'self'"],`,
      `baseUri: ["'none'"],`,
      `frameAncestors: ["'none'"],`,
      "xFrameOptions: 'DENY',",
      "referrerPolicy: 'same-origin',",
      "if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');",
      ["if (c.get('actor').kind !== 'anonymous')", 'if (true)'],
      ['MAX_BODY_BYTES = 64 * 1024', 'MAX_BODY_BYTES = 64 * 102400'],
    ],
  ),
  ...of(
    'src/app.ts',
    ['scenario/canary', HERE],
    [
      ["'Something went wrong on our side. Quote the request id when you report it.'", 'String(error)'],
      ["'The database does not answer. Try again.'", 'String(error)'],
    ],
  ),
  ...of(
    'src/log.ts',
    ['scenario/canary', HERE],
    [
      ['error instanceof ConfigError ? error.message : describeDatabaseError(error)', '(error as Error).message'],
      ['.filter((line) => /^\\s+at /.test(line))', ''],
    ],
  ),
  ...of(
    'src/config.ts',
    ['pure/config'],
    [
      ["protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))", 'true'],
      '.min(MIN_SECRET_LENGTH, `is too short: at least ${MIN_SECRET_LENGTH} characters`)',
      '!PLACEHOLDER.test(value) && ',
      ' && !isMonotonous(value)',
      ['if (isMonotonous(secret))', 'if (false)'],
      ['if (secret.length !== AES_256_KEY_BYTES)', 'if (false)'],
      ['entries.some((entry) => entry.kid === kid)', 'false'],
      ['href === `${origin}/`', 'true'],
      ["url === '' || isSafeOrigin(url)", 'true'],
    ],
  ),
  ...of(
    'src/d1.ts',
    ['pure/d1'],
    [
      ' && !/\\b(?:INSERT INTO|UPDATE|DELETE FROM)\\b/i.test(text)',
      '!isRepeatable || ',
      [' || attempt === MAX_ATTEMPTS', ' || attempt === 9'],
      ' || !isTransient(error)',
    ],
  ),
];
