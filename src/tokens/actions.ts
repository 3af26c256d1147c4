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

const TOUCH_INTERVAL_MS = MINUTE_MS;

/** Only the hash is stored: the token itself appears in this response alone. */
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

export const listTokens = (deps: Deps, actor: Actor): Promise<TokenRow[]> => store.listTokens(deps.db, authorize(actor, 'manage'));

async function refuseForeignToken(deps: Deps, id: number): Promise<never> {
  const isForeign = await store.hasTokenAcrossUsers(deps.db, id);
  return fail(
    isForeign
      ? { kind: 'forbidden', detail: 'This token belongs to somebody else.' }
      : { kind: 'not_found', detail: 'There is no such token.' },
  );
}

export async function getToken(deps: Deps, actor: Actor, id: number): Promise<TokenRow> {
  const rows = await listTokens(deps, actor);
  return rows.find((row) => row.id === id) ?? refuseForeignToken(deps, id);
}

/** Revoking twice changes nothing. */
export async function revokeToken(deps: Deps, actor: Actor, id: number): Promise<void> {
  const userId = authorize(actor, 'manage');
  const { name, isChanged } = (await store.revokeToken(deps.db, userId, id, deps.now())) ?? (await refuseForeignToken(deps, id));
  if (isChanged) await record(deps, userId, actor, 'token_revoked', name);
}

/** Null: no active token. Counts against its 60 requests a minute before D1 is asked. @throws AppFailure `too_many` */
export async function findToken(deps: Deps, token: string): Promise<store.FoundToken | null> {
  const tokenHash = await hashSecretToken(token);
  if (!(await deps.limits.token(tokenHash))) {
    fail({ kind: 'too_many', detail: 'At most 60 requests a minute for each API token.', retryAfterS: RATE_LIMIT_PERIOD_S });
  }
  return store.findActiveTokenAcrossUsers(deps.db, tokenHash);
}

/** `last_used_at` is written after the response, at most once per `TOUCH_INTERVAL_MS`. */
export function noteUse(deps: Deps, token: TokenRow): void {
  const now = deps.now();
  const notAfter = now - TOUCH_INTERVAL_MS;
  if (token.lastUsedAt === null || token.lastUsedAt <= notAfter)
    deps.defer(() => store.touchToken(deps.db, token.userId, token.id, now, notAfter));
}
