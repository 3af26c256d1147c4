import { type Actor, authorizeSession } from '../actor.ts';
import { record } from '../audit/actions.ts';
import type { Deps } from '../deps.ts';
import { fail, failField } from '../errors.ts';
import { sha256Hex } from '../lib/sha256.ts';
import { isKnownBrowserOf, type KnownBrowser } from './known-browser.ts';
import { FAILURE_WINDOW_MS, lockedForS, MAX_FAILURES, type UserRow } from './model.ts';
import * as store from './store.ts';

export const hashEmail = (email: string): Promise<string> => sha256Hex(email.toLowerCase());

/**
 * A failure counts against the email's hash. Known browsers and sessions have keys of their own, so that strangers cannot lock them out;
 * those are no hashes, so no email can collide with them.
 */
async function throttleOf(email: string, row: UserRow | null, browser: KnownBrowser | null): Promise<string> {
  const isKnown = row !== null && browser !== null && (await isKnownBrowserOf(browser, row));
  return isKnown ? `browser:${browser.browserId}` : hashEmail(email);
}

function refuseLocked(failures: store.Failures | null, now: number): void {
  const retryAfterS = failures && lockedForS(failures.count, failures.startedAt, now);
  if (retryAfterS !== null) {
    fail({ kind: 'too_many', detail: 'Too many failed attempts for this account. Wait, or reset the password.', retryAfterS });
  }
}

/**
 * Failures count against the throttle. The lock is checked before, to save work, and after: of simultaneous guesses no more are answered
 * than failures are allowed.
 * @param phc the account's hash; null: nobody has the email
 * @throws AppFailure `too_many`
 */
async function checkPassword(deps: Deps, throttle: string, password: string, phc: string | null): Promise<boolean> {
  refuseLocked(await store.findFailures(deps.db, throttle), deps.now());
  if (await deps.passwords.verify(password, phc)) {
    refuseLocked(await store.findFailures(deps.db, throttle), deps.now());
    await store.forgetFailures(deps.db, throttle);
    return true;
  }
  const now = deps.now();
  const failures = await store.countFailure(deps.db, throttle, now, FAILURE_WINDOW_MS);
  if (failures.count > MAX_FAILURES) refuseLocked(failures, now);
  return false;
}

/** Null if nobody has the email or the password is wrong. @throws AppFailure `too_many` */
export async function findByPassword(
  deps: Deps,
  { email, password }: { email: string; password: string },
  browser: KnownBrowser | null,
): Promise<UserRow | null> {
  const row = await store.findUserByEmail(deps.db, email);
  const isRight = await checkPassword(deps, await throttleOf(email, row, browser), password, row?.passwordHash ?? null);
  return isRight ? row : null;
}

/** @throws AppFailure `unauthenticated` if the account was deleted */
export async function requireUser(deps: Deps, userId: number): Promise<UserRow> {
  return (await store.findUser(deps.db, userId)) ?? fail({ kind: 'unauthenticated', detail: 'The account no longer exists.' });
}

/** Wrong passwords count against the session. */
const checkOwnPassword = (deps: Deps, actor: Actor, row: UserRow, password: string): Promise<boolean> =>
  checkPassword(deps, `session:${authorizeSession(actor).sessionId}`, password, row.passwordHash);

/** @param path field of the password @throws AppFailure `invalid` with that path, `too_many` */
export async function confirmPassword(deps: Deps, actor: Actor, userId: number, password: string, path: string): Promise<UserRow> {
  const row = await requireUser(deps, userId);
  if (!(await checkOwnPassword(deps, actor, row, password))) {
    await record(deps, userId, actor, 'password_refused');
    failField(path, 'Wrong password');
  }
  return row;
}

export async function isPasswordOf(deps: Deps, actor: Actor, password: string): Promise<boolean> {
  return checkOwnPassword(deps, actor, await requireUser(deps, authorizeSession(actor).userId), password);
}
