/** Verbs of API tokens. */
import type * as z from 'zod';
import { type Actor, authorize } from '../actor.ts';
import { record } from '../audit/actions.ts';
import { RATE_LIMIT_PERIOD_S } from '../config.ts';
import { createSecretToken, hashSecretToken, TOKEN_PREFIX, visiblePrefix } from '../crypto/secret-token.ts';
import type { Deps } from '../deps.ts';
import { fail } from '../errors.ts';
import { MINUTE_MS } from '../lib/day.ts';
import type { createTokenSchema, TokenRow } from './model.ts';
import * as store from './store.ts';

/** `last_used_at` is written at most this often. */
const TOUCH_INTERVAL_MS = MINUTE_MS;

/** Makes a token. Its text is in this answer and nowhere else: only its hash is stored. */
export async function createToken(deps: Deps, actor: Actor, input: z.infer<typeof createTokenSchema>) {
  const userId = authorize(actor, 'manage');
  const token = createSecretToken(TOKEN_PREFIX.api);
  const createdAt = deps.now();
  const row = { userId, name: input.name, tokenHash: await hashSecretToken(token), prefix: visiblePrefix(token), createdAt };
  const max = deps.config.maxTokensPerUser;
  const id = await store.insertToken(deps.db, row, max);
  if (id === null) return fail({ kind: 'limit_reached', detail: `Maximum ${max} API tokens allowed` });
  await record(deps, userId, actor, 'token_created', input.name);
  return { id, name: input.name, token, created_at: new Date(createdAt).toISOString() };
}

/** The user's tokens, newest first. */
export const listTokens = (deps: Deps, actor: Actor): Promise<TokenRow[]> => store.listTokens(deps.db, authorize(actor, 'manage'));

/** Says why the user has no token with this id: it is somebody else's, or there is none. */
async function refuseForeignToken(deps: Deps, id: number): Promise<never> {
  const isForeign = await store.hasTokenAcrossUsers(deps.db, id);
  return fail(
    isForeign
      ? { kind: 'forbidden', detail: 'This token belongs to somebody else.' }
      : { kind: 'not_found', detail: 'There is no such token.' },
  );
}

/** One of the user's tokens. */
export async function getToken(deps: Deps, actor: Actor, id: number): Promise<TokenRow> {
  const rows = await listTokens(deps, actor);
  return rows.find((row) => row.id === id) ?? refuseForeignToken(deps, id);
}

/** Revokes a token: it is refused from now on. Once more changes nothing. */
export async function revokeToken(deps: Deps, actor: Actor, id: number): Promise<void> {
  const userId = authorize(actor, 'manage');
  const { name, isChanged } = (await store.revokeToken(deps.db, userId, id, deps.now())) ?? (await refuseForeignToken(deps, id));
  if (isChanged) await record(deps, userId, actor, 'token_revoked', name);
}

/**
 * The active token with this text, or null. Counts against the token's 60 requests a minute, before D1 is asked.
 * @throws AppFailure `too_many`
 */
export async function findToken(deps: Deps, token: string): Promise<store.FoundToken | null> {
  const tokenHash = await hashSecretToken(token);
  if (!(await deps.limits.token(tokenHash))) {
    fail({ kind: 'too_many', detail: 'At most 60 requests a minute for each API token.', retryAfterS: RATE_LIMIT_PERIOD_S });
  }
  return store.findActiveTokenAcrossUsers(deps.db, tokenHash);
}

/** Notes after the answer that a token was used. */
export function noteUse(deps: Deps, token: TokenRow): void {
  const now = deps.now();
  const notAfter = now - TOUCH_INTERVAL_MS;
  if (token.lastUsedAt === null || token.lastUsedAt <= notAfter)
    deps.defer(() => store.touchToken(deps.db, token.userId, token.id, now, notAfter));
}
