/** Conditional requests. Source: RFC 9110, sections 8.8.3 and 13.1.2 */
import type { Context } from 'hono';
import type { Actor } from '../actor.ts';
import { dayOf } from '../lib/day.ts';
import { sha256Hex } from '../lib/sha256.ts';
import type { AppEnv } from './context.ts';

const TAG_LENGTH = 32;

const userIdOf = (actor: Actor): number | null => (actor.kind === 'anonymous' ? null : actor.userId);

function isHeld(header: string | undefined, etag: string): boolean {
  const held = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return held.includes(etag) || held.includes('*');
}

/**
 * Hash of the user's data version, the request, the UTC day and the build.
 * @param query what else the response depends on, including the chosen media type
 * @returns null without a user
 */
async function etagOf(c: Context<AppEnv>, query: unknown): Promise<string | null> {
  const { actor, stats, deps } = c.var;
  if (stats === null) return null;
  const place = [c.req.path, query, dayOf(deps.now())];
  const tag = await sha256Hex(JSON.stringify([deps.build, userIdOf(actor), stats.version, ...place]));
  return `"${tag.slice(0, TAG_LENGTH)}"`;
}

/**
 * Answers 304 after the one round trip that recognized the caller. Otherwise the version is marked as served before anything is read, so
 * that the next change makes a new one.
 * @param isNegotiated whether the media type depends on `Accept`; a 304 says so too
 */
export async function revalidate(
  c: Context<AppEnv>,
  query: unknown,
  isNegotiated: boolean,
  answer: () => Promise<Response>,
): Promise<Response> {
  const { deps, stats, actor } = c.var;
  const etag = await etagOf(c, query);
  const headers = { ...(etag !== null && { etag }), 'cache-control': 'private, no-cache', ...(isNegotiated && { vary: 'Accept' }) };
  if (etag !== null && isHeld(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers);
  const userId = userIdOf(actor);
  if (stats && !stats.isSeen && userId !== null) c.var.credentials.markStatsSeen(deps, userId);
  const response = await answer();
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
