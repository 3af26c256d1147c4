/** Secrets of keys: verify, encrypt and store one, as a new key, as a replacement, or for a discovered key. */
import type * as z from 'zod';
import { encrypt } from '../crypto/cipher.ts';
import { isUniqueViolation } from '../db.ts';
import type { Deps } from '../deps.ts';
import { fail, failField } from '../errors.ts';
import { CIPHERTEXT_COLUMN, type KeyRow } from '../inventory/model.ts';
import { findKey } from '../inventory/store.ts';
import { MINUTE_MS, SECOND_MS } from '../lib/day.ts';
import type { Result } from '../lib/result.ts';
import { sha256Hex } from '../lib/sha256.ts';
import type { OpenRouterError } from '../openrouter/failure.ts';
import type { KeyInfo } from '../openrouter/schema.ts';
import { applyReadings, readKeys } from '../sync/keys.ts';
import { describeReadError, retryAfterOf } from '../sync/verdict.ts';
import { type addKeySchema, maskKey } from './model.ts';
import * as store from './rotation-store.ts';
import { updateKey } from './store.ts';

/** Answers closer than this may come from counters of different age. */
const MIN_DISTANCE_MS = MINUTE_MS;

const alreadyThere = (): never =>
  fail({ kind: 'conflict', detail: 'You already have this key, or one of your keys had this secret before.' });

async function refuseKnown(deps: Deps, userId: number, hash: string, exceptId: number | null): Promise<number> {
  const { count, hasHash } = await store.countKeys(deps.db, userId, hash, exceptId);
  return hasHash ? alreadyThere() : count;
}

interface Verified {
  sealed: store.NewText;
  at: number;
  answer: Result<KeyInfo, OpenRouterError>;
}

/** A secret that OpenRouter rejects is invalid input; one that it could not verify is not. */
async function verify(deps: Deps, userId: number, secret: string, hash: string): Promise<Verified> {
  const at = deps.now();
  const answer = await deps.openrouter.getKey(secret);
  if (!answer.ok && answer.error.kind === 'unauthorized') failField('key', describeReadError(answer.error));
  const { envelope, kid } = await encrypt(deps.config.keyring, { column: CIPHERTEXT_COLUMN, userId, hash }, secret);
  const retryAfterS = answer.ok ? null : retryAfterOf(answer.error);
  const sealed = {
    hash,
    label: maskKey(secret),
    ciphertext: envelope,
    kid,
    lastError: answer.ok ? null : describeReadError(answer.error),
    retryAfter: retryAfterS === null ? null : at + retryAfterS * SECOND_MS,
  };
  return { sealed, at, answer };
}

/** The verifying answer is also a sample: the first of its series, or the next. */
async function applySample(deps: Deps, userId: number, id: number, { answer, at, sealed }: Verified): Promise<void> {
  const key = await findKey(deps.db, userId, id);
  if (!answer.ok || key?.hash !== sealed.hash) return;
  if (key.lastSampleAt !== null && at - key.lastSampleAt < MIN_DISTANCE_MS) {
    await updateKey(deps.db, userId, id, { health: 'active' });
    return;
  }
  await applyReadings(deps, [{ key, at, result: answer }], `verify ${at}`);
}

/** A key that OpenRouter could not verify is `unverified`. A discovered key gets its secret. @returns the key's id */
export async function storeKey(deps: Deps, userId: number, input: z.infer<typeof addKeySchema>): Promise<number> {
  const max = deps.config.maxKeysPerUser;
  const atLimit = (): never => fail({ kind: 'limit_reached', detail: `Maximum ${max} keys allowed` });
  const hash = await sha256Hex(input.key);
  if ((await refuseKnown(deps, userId, hash, null)) >= max) atLimit();
  const verified = await verify(deps, userId, input.key, hash);
  const id = await store.insertKey(deps.db, userId, input.name, verified.sealed, max, deps.now());
  if (id === null) {
    await refuseKnown(deps, userId, hash, null);
    return atLimit();
  }
  await applySample(deps, userId, id, verified);
  return id;
}

async function completeDiscovered(deps: Deps, userId: number, key: KeyRow, secret: string, hash: string): Promise<void> {
  if (hash !== key.hash) {
    const detail = 'This is not the secret of the discovered key. Add it as a new key, or use it to replace another key.';
    fail({ kind: 'bad_request', detail });
  }
  await storeKey(deps, userId, { name: key.name, key: secret });
}

/** Reads the old secret a last time. A discovered key with the new secret becomes part of this key. */
export async function replaceSecret(deps: Deps, userId: number, key: KeyRow, secret: string): Promise<void> {
  const hash = await sha256Hex(secret);
  if (key.kind === 'discovered') return completeDiscovered(deps, userId, key, secret, hash);
  await refuseKnown(deps, userId, hash, key.id);
  const verified = await verify(deps, userId, secret, hash);
  await applyReadings(deps, await readKeys(deps, [key]), `replace ${deps.now()}`);
  try {
    const isReplaced = await store.replaceText(deps.db, userId, key.id, key.hash, verified.sealed);
    if (!isReplaced) fail({ kind: 'conflict', detail: 'The key was changed at the same time. Reload it and try again.' });
    await applySample(deps, userId, key.id, verified);
  } catch (error) {
    if (isUniqueViolation(error)) alreadyThere();
    throw error;
  }
}
