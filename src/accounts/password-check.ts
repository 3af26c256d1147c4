/** Whether somebody knows a password, and how often they may guess. */
import type { Actor } from '../actor.ts';
import { record } from '../audit/actions.ts';
import type { Deps } from '../deps.ts';
import { fail, failField } from '../errors.ts';
import { sha256Hex } from '../lib/sha256.ts';
import { FAILURE_WINDOW_MS, lockedForS, MAX_FAILURES, type UserRow } from './model.ts';
import * as store from './store.ts';

/** What names an e-mail in the throttle, whether anybody has it or not. */
export const hashEmail = (email: string): Promise<string> => sha256Hex(email.toLowerCase());

function refuseLocked(failures: store.Failures | null, now: number): void {
  const retryAfterS = failures && lockedForS(failures.count, failures.startedAt, now);
  if (retryAfterS !== null) {
    fail({ kind: 'too_many', detail: 'Too many failed attempts for this account. Wait, or reset the password.', retryAfterS });
  }
}

/**
 * Is this the password? Failures count against the e-mail. The lock is looked at before, to spare the work, and after: of many
 * guesses at once no more are answered than failures are allowed.
 * @param phc the account's hash, or null if nobody has the e-mail
 * @throws AppFailure `too_many`
 */
export async function checkPassword(deps: Deps, emailHash: string, password: string, phc: string | null): Promise<boolean> {
  refuseLocked(await store.findFailures(deps.db, emailHash), deps.now());
  if (await deps.passwords.verify(password, phc)) {
    refuseLocked(await store.findFailures(deps.db, emailHash), deps.now());
    await store.forgetFailures(deps.db, emailHash);
    return true;
  }
  const now = deps.now();
  const failures = await store.countFailure(deps.db, emailHash, now, FAILURE_WINDOW_MS);
  if (failures.count > MAX_FAILURES) refuseLocked(failures, now);
  return false;
}

/**
 * The user of a session.
 * @throws AppFailure `unauthenticated` if the account was deleted meanwhile
 */
export async function requireUser(deps: Deps, userId: number): Promise<UserRow> {
  return (await store.findUser(deps.db, userId)) ?? fail({ kind: 'unauthenticated', detail: 'The account is gone.' });
}

/**
 * The user of the session, who has shown the password once more.
 * @param path the field of the password
 * @throws AppFailure `invalid` with that path, `too_many`
 */
export async function confirmPassword(deps: Deps, actor: Actor, userId: number, password: string, path: string) {
  const row = await requireUser(deps, userId);
  const emailHash = await hashEmail(row.email);
  if (!(await checkPassword(deps, emailHash, password, row.passwordHash))) {
    await record(deps, userId, actor, 'password_refused');
    failField(path, 'Is not your password');
  }
  return { row, emailHash };
}

/** Is this the user's password? Counts against the throttle of their account. */
export async function isPasswordOf(deps: Deps, userId: number, password: string): Promise<boolean> {
  const row = await requireUser(deps, userId);
  return checkPassword(deps, await hashEmail(row.email), password, row.passwordHash);
}
