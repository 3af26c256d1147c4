/** Answers that need not be made again: what an answer depends on, as an `ETag`. Source: RFC 9110, sections 8.8.3 and 13.1.2 */
import type { Context } from 'hono';
import type { Actor } from '../actor.ts';
import { dayOf } from '../lib/day.ts';
import { sha256Hex } from '../lib/sha256.ts';
import type { AppEnv } from './context.ts';

/** Enough of a SHA-256 that no two answers share it by chance. */
const TAG_LENGTH = 32;

const userIdOf = (actor: Actor): number | null => (actor.kind === 'anonymous' ? null : actor.userId);

/** Does the caller have the answer with this tag already? */
function isHeld(header: string | undefined, etag: string): boolean {
  const held = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return held.includes(etag) || held.includes('*');
}

/**
 * The tag of an answer: of what is stored of the user, of what was asked for, of the UTC day, and of the code that answers.
 * @param question what the answer depends on beside what is stored; of a route with several media types, the one that was chosen
 * @returns null if there is no user whose data could be named
 */
async function etagOf(c: Context<AppEnv>, question: unknown): Promise<string | null> {
  const { actor, stats, deps } = c.var;
  if (stats === null) return null;
  const place = [c.req.path, question, dayOf(deps.now())];
  const tag = await sha256Hex(JSON.stringify([deps.build, userIdOf(actor), stats.version, ...place]));
  return `"${tag.slice(0, TAG_LENGTH)}"`;
}

/**
 * Answers 304 to who has the present answer already, after the one trip that recognised the caller. Otherwise the answer is made, and
 * before anything is read for it the user's version is marked as seen: from then on the next change makes another one.
 * @param isNegotiated whether the answer's media type depends on `Accept`; a 304 says so as well
 */
export async function revalidate(
  c: Context<AppEnv>,
  question: unknown,
  isNegotiated: boolean,
  answer: () => Promise<Response>,
): Promise<Response> {
  const { deps, stats, actor } = c.var;
  const etag = await etagOf(c, question);
  const headers = { ...(etag !== null && { etag }), 'cache-control': 'private, no-cache', ...(isNegotiated && { vary: 'Accept' }) };
  if (etag !== null && isHeld(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers);
  const userId = userIdOf(actor);
  if (stats && !stats.isSeen && userId !== null) c.var.credentials.markStatsSeen(deps, userId);
  const response = await answer();
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
