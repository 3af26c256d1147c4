/** Whether somebody knows a password, and how often they may guess. */
import { type Actor, authorizeSession } from '../actor.ts';
import { record } from '../audit/actions.ts';
import type { Deps } from '../deps.ts';
import { fail, failField } from '../errors.ts';
import { sha256Hex } from '../lib/sha256.ts';
import { isKnownBrowserOf, type KnownBrowser } from './known-browser.ts';
import { FAILURE_WINDOW_MS, lockedForS, MAX_FAILURES, type UserRow } from './model.ts';
import * as store from './store.ts';

/** What names an e-mail in the throttle, whether anybody has it or not. */
export const hashEmail = (email: string): Promise<string> => sha256Hex(email.toLowerCase());

/**
 * Against what a failure counts: the e-mail (as its hash), whoever guesses; but a browser in which its account was signed in to before,
 * and a session, count by themselves, so that strangers cannot lock them out. These names are no hashes, so no e-mail can be one of them.
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
 * Is this the password? Failures count against the throttle. The lock is looked at before, to spare the work, and after: of many
 * guesses at once no more are answered than failures are allowed.
 * @param phc the account's hash, or null if nobody has the e-mail
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

/**
 * The account of who signs in, or null where nobody has the e-mail or the password is wrong.
 * @param browser as what the browser is known, if it is
 * @throws AppFailure `too_many`
 */
export async function findByPassword(
  deps: Deps,
  { email, password }: { email: string; password: string },
  browser: KnownBrowser | null,
): Promise<UserRow | null> {
  const row = await store.findUserByEmail(deps.db, email);
  const isRight = await checkPassword(deps, await throttleOf(email, row, browser), password, row?.passwordHash ?? null);
  return isRight ? row : null;
}

/**
 * The user of a session.
 * @throws AppFailure `unauthenticated` if the account was deleted meanwhile
 */
export async function requireUser(deps: Deps, userId: number): Promise<UserRow> {
  return (await store.findUser(deps.db, userId)) ?? fail({ kind: 'unauthenticated', detail: 'The account is gone.' });
}

/** Is this the password of the user? What a session gets wrong counts against that session. */
const checkOwnPassword = (deps: Deps, actor: Actor, row: UserRow, password: string): Promise<boolean> =>
  checkPassword(deps, `session:${authorizeSession(actor).sessionId}`, password, row.passwordHash);

/**
 * The user of the session, who has shown the password once more.
 * @param path the field of the password
 * @throws AppFailure `invalid` with that path, `too_many`
 */
export async function confirmPassword(deps: Deps, actor: Actor, userId: number, password: string, path: string): Promise<UserRow> {
  const row = await requireUser(deps, userId);
  if (!(await checkOwnPassword(deps, actor, row, password))) {
    await record(deps, userId, actor, 'password_refused');
    failField(path, 'Is not your password');
  }
  return row;
}

/** Is this the password of the user of the session? */
export async function isPasswordOf(deps: Deps, actor: Actor, password: string): Promise<boolean> {
  return checkOwnPassword(deps, actor, await requireUser(deps, authorizeSession(actor).userId), password);
}
