/** Credential → Actor. Bad signatures and checksums cost no D1; the rest is looked up each time, so that ended ones stop at once. */
import type { Context, MiddlewareHandler } from 'hono';
import type { Actor } from '../actor.ts';
import { isSecretToken, TOKEN_PREFIX } from '../crypto/secret-token.ts';
import { fail } from '../errors.ts';
import { resolveTimeZone } from '../lib/zone.ts';
import type { AppEnv } from './context.ts';
import { readSession } from './cookies.ts';

const refuse = (detail: string): never => fail({ kind: 'unauthenticated', detail });

const userActor = ({ userId, sessionId }: { userId: number; sessionId: number }): Actor => ({ kind: 'user', userId, sessionId });

function bearer(c: Context<AppEnv>): string | null {
  const header = c.req.header('authorization');
  return header === undefined ? null : (/^Bearer +(\S+) *$/i.exec(header)?.[1] ?? '');
}

async function requiredSession(c: Context<AppEnv>, credential: string | null) {
  if (credential === null) return refuse('Send "Authorization: Bearer" with the access token of a session.');
  if (credential.startsWith(TOKEN_PREFIX.api)) return refuse('API tokens are not accepted here. Sign in.');
  return (
    (await c.get('credentials').findSession(c.get('deps'), credential)) ?? refuse('The session is invalid or has ended. Sign in again.')
  );
}

export const requireSession: MiddlewareHandler<AppEnv> = async (c, next) => {
  const session = await requiredSession(c, bearer(c));
  c.set('actor', userActor(session));
  c.set('stats', session.stats);
  await next();
};

/** A successful response counts as a use of the token. */
export const requireReader: MiddlewareHandler<AppEnv> = async (c, next) => {
  const credential = bearer(c);
  if (!credential?.startsWith(TOKEN_PREFIX.api)) return requireSession(c, next);
  if (!isSecretToken(TOKEN_PREFIX.api, credential)) refuse('This is not an API token of this monitor: its checksum is wrong.');
  const token = (await c.get('credentials').findToken(c.get('deps'), credential)) ?? refuse('The API token is unknown or was revoked.');
  c.set('actor', { kind: 'token', userId: token.userId, tokenId: token.id });
  c.set('stats', token.stats);
  await next();
  if (c.res.ok || c.res.status === 304) c.get('credentials').noteUse(c.get('deps'), token);
};

export const recogniseSession: MiddlewareHandler<AppEnv> = async (c, next) => {
  const credential = bearer(c);
  const session = credential ? await c.get('credentials').findSession(c.get('deps'), credential) : null;
  c.set('actor', session ? userActor(session) : { kind: 'anonymous' });
  await next();
};

/** For pages: the cookie counts nowhere else. */
export const recogniseViewer: MiddlewareHandler<AppEnv> = async (c, next) => {
  const jwt = readSession(c);
  const session = jwt ? await c.get('credentials').findSession(c.get('deps'), jwt) : null;
  if (session) {
    c.set('actor', userActor(session));
    c.set('viewer', { email: session.email, timeZone: resolveTimeZone(session.timeZone) ?? 'UTC' });
  }
  await next();
};
