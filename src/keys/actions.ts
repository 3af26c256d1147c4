/** Verbs of keys. */
import type * as z from 'zod';
import { type Actor, authorize } from '../actor.ts';
import { encrypt } from '../crypto/cipher.ts';
import { isUniqueViolation, runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import { fail, failField } from '../errors.ts';
import { MINUTE_MS, SECOND_MS } from '../lib/day.ts';
import type { Result } from '../lib/result.ts';
import { sha256Hex } from '../lib/sha256.ts';
import { logError } from '../log.ts';
import type { OpenRouterError } from '../openrouter/client.ts';
import type { KeyInfo } from '../openrouter/schema.ts';
import { deleteKeyDaysStatement } from '../usage/store.ts';
import {
  type addKeySchema,
  CIPHERTEXT_COLUMN,
  describeReadError,
  type KeyRow,
  maskKey,
  retryAfterOf,
  type updateKeySchema,
} from './model.ts';
import { applyReadings } from './reading.ts';
import * as store from './store.ts';

const SYNC_INTERVAL_MS = MINUTE_MS;
const QUEUE_RETRY_S = 5;
/** Says why the user has no key with this id: it is somebody else's, or there is none. */
export async function refuseForeignKey(deps: Deps, id: number): Promise<never> {
  const isForeign = await store.hasKeyAcrossUsers(deps.db, id);
  return fail(
    isForeign
      ? { kind: 'forbidden', detail: 'This key belongs to somebody else.' }
      : { kind: 'not_found', detail: 'There is no such key.' },
  );
}

const requireKey = async (deps: Deps, userId: number, id: number): Promise<KeyRow> =>
  (await store.findKey(deps.db, userId, id)) ?? refuseForeignKey(deps, id);

/** The user's keys, oldest first. */
export const listKeys = (deps: Deps, actor: Actor): Promise<KeyRow[]> => store.listKeys(deps.db, authorize(actor, 'read'));

export const getKey = (deps: Deps, actor: Actor, id: number): Promise<KeyRow> => requireKey(deps, authorize(actor, 'manage'), id);

const alreadyThere = (): never =>
  fail({ kind: 'conflict', detail: 'You already have this key, or another key of yours had this text before.' });

async function refuseKnown(deps: Deps, userId: number, hash: string, exceptId: number | null): Promise<number> {
  const { count, hasHash } = await store.countKeys(deps.db, userId, hash, exceptId);
  return hasHash ? alreadyThere() : count;
}

interface Verified {
  text: store.NewText;
  at: number;
  answer: Result<KeyInfo, OpenRouterError>;
}

/** Asks OpenRouter about a key's text and seals it. What OpenRouter refuses is invalid input; what it fails to answer is not. */
async function verify(deps: Deps, userId: number, keyText: string, hash: string): Promise<Verified> {
  const at = deps.now();
  const answer = await deps.openrouter.getKey(keyText);
  if (!answer.ok && answer.error.kind === 'unauthorized') failField('key', describeReadError(answer.error));
  const { envelope, kid } = await encrypt(deps.config.keyring, { column: CIPHERTEXT_COLUMN, userId, hash }, keyText);
  const retryAfterS = answer.ok ? null : retryAfterOf(answer.error);
  const text = {
    hash,
    label: maskKey(keyText),
    ciphertext: envelope,
    kid,
    lastError: answer.ok ? null : describeReadError(answer.error),
    retryAfter: retryAfterS === null ? null : at + retryAfterS * SECOND_MS,
  };
  return { text, at, answer };
}

/** Lets the answer that verified a text be the first sample of its series. */
async function applyFirstSample(deps: Deps, userId: number, id: number, { answer, at, text }: Verified): Promise<KeyRow> {
  const key = await requireKey(deps, userId, id);
  if (!answer.ok || key.hash !== text.hash) return key;
  await applyReadings(deps, [{ key, at, result: answer }], `verify ${at}`);
  return requireKey(deps, userId, id);
}

/** Stores a key that OpenRouter accepts, or that it could not be asked about (`unverified`). */
export async function addKey(deps: Deps, actor: Actor, input: z.infer<typeof addKeySchema>): Promise<KeyRow> {
  const userId = authorize(actor, 'manage');
  const max = deps.config.maxKeysPerUser;
  const atLimit = (): never => fail({ kind: 'limit_reached', detail: `Maximum ${max} keys allowed` });
  const hash = await sha256Hex(input.key);
  if ((await refuseKnown(deps, userId, hash, null)) >= max) atLimit();
  const verified = await verify(deps, userId, input.key, hash);
  try {
    const id = await store.insertKey(deps.db, userId, input.name, verified.text, max, deps.now());
    if (id !== null) return await applyFirstSample(deps, userId, id, verified);
    await refuseKnown(deps, userId, hash, null);
    return atLimit();
  } catch (error) {
    return isUniqueViolation(error) ? alreadyThere() : Promise.reject(error);
  }
}

async function replaceText(deps: Deps, userId: number, key: KeyRow, keyText: string): Promise<void> {
  const hash = await sha256Hex(keyText);
  await refuseKnown(deps, userId, hash, key.id);
  const verified = await verify(deps, userId, keyText, hash);
  try {
    const isReplaced = await store.replaceText(deps.db, userId, key.id, key.hash, verified.text);
    if (!isReplaced) fail({ kind: 'conflict', detail: 'The key was changed at the same time. Look at it and try again.' });
    await applyFirstSample(deps, userId, key.id, verified);
  } catch (error) {
    if (isUniqueViolation(error)) alreadyThere();
    throw error;
  }
}

/** Renames, pauses, resumes, or replaces the text of a key. */
export async function updateKey(deps: Deps, actor: Actor, id: number, input: z.infer<typeof updateKeySchema>): Promise<KeyRow> {
  const userId = authorize(actor, 'manage');
  const key = await requireKey(deps, userId, id);
  if (input.key !== undefined) await replaceText(deps, userId, key, input.key);
  const change = {
    ...(input.name !== undefined && { name: input.name }),
    ...(input.is_active !== undefined && { isActive: input.is_active }),
  };
  if (Object.keys(change).length === 0) return requireKey(deps, userId, id);
  return (await store.updateKey(deps.db, userId, id, change)) ?? refuseForeignKey(deps, id);
}

/** Deletes a key with its secret and its history. */
export async function deleteKey(deps: Deps, actor: Actor, id: number): Promise<void> {
  const userId = authorize(actor, 'manage');
  await requireKey(deps, userId, id);
  await runBatch(deps.db, [...store.deleteKeyStatements(deps.db, userId, id), deleteKeyDaysStatement(deps.db, userId, id)]);
}

/** Has a key read now; at most once a minute. */
export async function requestSync(deps: Deps, actor: Actor, id: number): Promise<void> {
  const userId = authorize(actor, 'manage');
  const key = await requireKey(deps, userId, id);
  const now = deps.now();
  const wait = (until: number, detail: string): never =>
    fail({ kind: 'too_many', detail, retryAfterS: Math.max(1, Math.ceil((until - now) / SECOND_MS)) });
  if (!key.isActive) fail({ kind: 'bad_request', detail: 'The key is paused. Resume it first.' });
  if (key.retryAfter !== null && key.retryAfter > now) wait(key.retryAfter, 'OpenRouter asked to wait before this key is read again.');
  if (!(await store.claimSyncRequest(deps.db, userId, id, now, now - SYNC_INTERVAL_MS))) {
    wait((key.syncRequestedAt ?? now) + SYNC_INTERVAL_MS, 'A key can be read once a minute.');
  }
  try {
    await deps.enqueue([{ job: 'manual', slot: new Date(now).toISOString(), part: id, keyIds: [id] }]);
  } catch (error) {
    await store.updateKey(deps.db, userId, id, { syncRequestedAt: key.syncRequestedAt });
    logError('queue_failed', error);
    fail({ kind: 'unavailable', detail: 'The job queue does not answer. Try again.', retryAfterS: QUEUE_RETRY_S });
  }
}
