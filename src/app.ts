import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { secureHeaders } from 'hono/secure-headers';
import { alertPages } from './alerts/pages.tsx';
import { roomApis } from './apis.ts';
import type { Caller } from './audit/model.ts';
import { ConfigError } from './config.ts';
import { serverTiming } from './d1.ts';
import { dashboardPages } from './dashboard/pages.tsx';
import { isDatabaseFailure } from './db.ts';
import type { Deps } from './deps.ts';
import { type AppError, AppFailure, fail } from './errors.ts';
import { explorePages } from './explore/pages.tsx';
import type { AppEnv, Credentials } from './http/context.ts';
import { createDocsApi } from './http/docs/docs.ts';
import { DocsPage } from './http/docs/docs-page.tsx';
import { errorResponse } from './http/pages/error-page.tsx';
import { createRouter, type Router } from './http/router.ts';
import { strictTransport } from './http/strict-transport.ts';
import { keyPages } from './key-pages/pages.tsx';
import { describeClient } from './lib/user-agent.ts';
import { logError } from './log.ts';
import { findToken, noteUse } from './tokens/actions.ts';
import { tokenPages } from './tokens/pages.tsx';
import { userDataPages } from './user-data/pages.tsx';
import { findSession, markStatsSeen } from './users/actions.ts';
import { userPages } from './users/pages.tsx';
import { signInPages } from './users/sign-in-pages.tsx';

const CREDENTIALS: Credentials = { findSession, findToken, noteUse, markStatsSeen };

const MAX_BODY_BYTES = 64 * 1024;
const DATABASE_RETRY_S = 5;

const security = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  referrerPolicy: 'same-origin',
  // Set below: it depends on the configuration.
  strictTransportSecurity: false,
  xFrameOptions: 'DENY',
});

/** Unexpected errors are logged and become a 500 with the request id. */
function describe(error: unknown, requestId: string): AppError {
  if (error instanceof AppFailure) return error.error;
  if (error instanceof HTTPException && error.status === 403)
    return { kind: 'forbidden', detail: 'The form came from another site. Open the page here and send it from there.' };
  if (error instanceof ConfigError) {
    logError('misconfigured', error, { request_id: requestId });
    return { kind: 'misconfigured', detail: `This deployment is not configured: ${error.message}.` };
  }
  logError('request_failed', error, { request_id: requestId });
  if (isDatabaseFailure(error))
    return { kind: 'unavailable', detail: 'The database does not answer. Try again.', retryAfterS: DATABASE_RETRY_S };
  return { kind: 'internal', detail: 'Something went wrong on our side. Quote the request id when you report it.' };
}

const callerOf = (c: Context<AppEnv>): Caller => ({
  address: c.req.header('cf-connecting-ip') ?? null,
  get client() {
    return describeClient(c.req.header('user-agent') ?? '');
  },
  requestId: c.get('requestId'),
});

/** @param makeDeps called once per request */
export function createApp(makeDeps: (env: Env, ctx: Pick<ExecutionContext, 'waitUntil'>) => Deps): Router {
  const app = createRouter();
  app.use(security);
  app.use(async (c, next) => {
    c.set('requestId', crypto.randomUUID());
    await next();
    c.res.headers.set('x-request-id', c.get('requestId'));
    // Subdomains need an explicit, valid setting.
    c.res.headers.set('strict-transport-security', strictTransport(c.get('deps')?.config?.isHstsForSubdomains ?? false));
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
  });
  app.use(async (c, next) => {
    c.set('credentials', CREDENTIALS);
    c.set('actor', { kind: 'anonymous' });
    c.set('viewer', null);
    c.set('stats', null);
    c.set('deps', { ...makeDeps(c.env, c.executionCtx), caller: callerOf(c) });
    await next();
    // Row counts of a failed sign-in would reveal who exists.
    if (c.get('actor').kind !== 'anonymous') c.res.headers.set('server-timing', serverTiming(c.get('deps').d1.usage));
  });
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, allow) =>
        errorResponse(c, { kind: 'method_not_allowed', detail: `${c.req.method} is not possible here.`, allow }),
    }),
  );
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => fail({ kind: 'too_large', detail: 'The body may have at most 64 KiB.' }) }));
  for (const { router } of [...roomApis, createDocsApi(DocsPage)]) app.route('/', router);
  for (const { router } of [signInPages, dashboardPages, explorePages, keyPages, alertPages, tokenPages, userPages, userDataPages])
    app.route('/', router);
  app.notFound((c) => errorResponse(c, { kind: 'not_found', detail: 'There is nothing at this address.' }));
  app.onError((error, c) => errorResponse(c, describe(error, c.get('requestId'))));
  return app;
}
