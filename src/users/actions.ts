import type * as z from 'zod';
import { type Actor, authorizeSession } from '../actor.ts';
import { record, recordFailedSignIn } from '../audit/actions.ts';
import { signSession, verifySession } from '../crypto/jwt.ts';
import { hashSecretToken, isSecretToken, TOKEN_PREFIX } from '../crypto/secret-token.ts';
import { isUniqueViolation } from '../db.ts';
import type { Deps } from '../deps.ts';
import { fail } from '../errors.ts';
import { SECOND_MS } from '../lib/day.ts';
import { type KnownBrowser, rememberBrowser } from './known-browser.ts';
import {
  type changePasswordSchema,
  type loginSchema,
  presentAccount,
  type registerSchema,
  type resetPasswordSchema,
  SESSION_MS,
  type signUpSchema,
  type timeZoneFormSchema,
  type UserRow,
} from './model.ts';
import { hashNewPassword } from './new-password.ts';
import { confirmPassword, findByPassword, hashEmail, requireUser } from './password-check.ts';
import * as store from './store.ts';

const NOBODY: Actor = { kind: 'anonymous' };

const clientOf = ({ caller }: Deps): string | null => caller?.client ?? null;

const emailTaken = (): never => fail({ kind: 'conflict', detail: 'An account with this email already exists. Sign in.' });
const notInvited = (): never => fail({ kind: 'forbidden', detail: 'Registration needs a valid invitation: unused and not expired.' });

async function checkInvitation(deps: Deps, invite: string | undefined): Promise<string | null> {
  if (deps.config.registration === 'open') return null;
  if (invite === undefined || !isSecretToken(TOKEN_PREFIX.invitation, invite)) return notInvited();
  const tokenHash = await hashSecretToken(invite);
  return (await store.hasInvitation(deps.db, tokenHash, deps.now())) ? tokenHash : notInvited();
}

async function createUser(deps: Deps, input: z.infer<typeof registerSchema>, timeZone: string): Promise<UserRow> {
  const invitation = await checkInvitation(deps, input.invite);
  if (await store.findUserByEmail(deps.db, input.email)) emailTaken();
  const passwordHash = await hashNewPassword(deps, input.password, 'password');
  const row = { email: input.email, passwordHash, timeZone, createdAt: deps.now() };
  try {
    const id =
      (await store.insertUser(deps.db, row, invitation, deps.newUserStatements(deps.db, row.email, row.createdAt))) ?? notInvited();
    await record(deps, id, NOBODY, 'registered');
    return { id, ...row };
  } catch (error) {
    return isUniqueViolation(error) ? emailTaken() : Promise.reject(error);
  }
}

export const register = async (deps: Deps, input: z.infer<typeof registerSchema>) => presentAccount(await createUser(deps, input, 'UTC'));

async function refreshHash(deps: Deps, row: UserRow, password: string): Promise<void> {
  await store.updatePasswordHash(deps.db, row.id, row.passwordHash, await deps.passwords.hash(password));
}

type SignIn = z.infer<typeof loginSchema>;

interface Claims {
  userId: number;
  sessionId: number;
}

/** Null if the account changed while the password was checked. */
async function beginSession(deps: Deps, input: SignIn, browser: KnownBrowser | null, now: number) {
  const user = await findByPassword(deps, input, browser);
  if (!user) {
    await recordFailedSignIn(deps, input.email);
    return fail({ kind: 'unauthenticated', detail: 'Wrong email or password.' });
  }
  const sessionId = await store.insertSession(deps.db, user, now, now + SESSION_MS, clientOf(deps));
  if (sessionId === null) return null;
  if (deps.passwords.needsRehash(user.passwordHash)) deps.defer(() => refreshHash(deps, user, input.password));
  await record(deps, user.id, { kind: 'user', userId: user.id, sessionId }, 'signed_in');
  return { user, sessionId };
}

async function issue(deps: Deps, claims: Claims, now: number) {
  const token = await signSession(deps.config.jwtSecret, claims, now, now + SESSION_MS);
  return { access_token: token, token_type: 'bearer' as const, expires_in: SESSION_MS / SECOND_MS };
}

const changedMeanwhile = (): never => fail({ kind: 'conflict', detail: 'The account was changed at the same time. Sign in again.' });

/** Unknown emails and wrong passwords: same answer, same time. @param before what was known of the browser */
export async function signInBrowser(deps: Deps, input: SignIn, before: KnownBrowser | null) {
  const now = deps.now();
  const begin = () => beginSession(deps, input, before, now);
  const { user, sessionId } = (await begin()) ?? (await begin()) ?? changedMeanwhile();
  return {
    session: await issue(deps, { userId: user.id, sessionId }, now),
    browser: await rememberBrowser(user, before, now),
  };
}

export const signIn = async (deps: Deps, input: SignIn) => (await signInBrowser(deps, input, null)).session;

export async function signUp(deps: Deps, input: z.infer<typeof signUpSchema>) {
  const { time_zone: timeZone, ...account } = input;
  const user = await createUser(deps, account, timeZone);
  const now = deps.now();
  const sessionId = (await store.insertSession(deps.db, user, now, now + SESSION_MS, clientOf(deps))) ?? changedMeanwhile();
  return {
    userId: user.id,
    session: await issue(deps, { userId: user.id, sessionId }, now),
    browser: await rememberBrowser(user, null, now),
  };
}

export type FoundSession = Claims & NonNullable<Awaited<ReturnType<typeof store.findSessionUser>>>;

/** Null unless this deployment signed the JWT and its session is neither expired nor ended. */
export async function findSession(deps: Deps, jwt: string): Promise<FoundSession | null> {
  const claims = await verifySession(deps.config.jwtSecret, jwt, deps.now());
  const user = claims && (await store.findSessionUser(deps.db, claims.userId, claims.sessionId, deps.now()));
  return user && { ...claims, ...user };
}

/** Prepends a statement to the next D1 batch that marks the current stats version as served, so that the next write bumps it. */
export const markStatsSeen = (deps: Deps, userId: number): void => deps.d1.prepend(store.markSeenStatement(deps.db, userId));

export async function listSessions(deps: Deps, actor: Actor) {
  const { userId, sessionId } = authorizeSession(actor);
  const rows = await store.listSessions(deps.db, userId, deps.now());
  return rows.map(({ id, createdAt, expiresAt, client }) => ({ id, createdAt, expiresAt, client, isCurrent: id === sessionId }));
}

export async function signOutOthers(deps: Deps, actor: Actor): Promise<void> {
  const { userId, sessionId } = authorizeSession(actor);
  await store.deleteOtherSessions(deps.db, userId, sessionId);
  await record(deps, userId, actor, 'sessions_ended');
}

export const setTimeZone = (deps: Deps, actor: Actor, input: z.infer<typeof timeZoneFormSchema>): Promise<void> =>
  store.updateTimeZone(deps.db, authorizeSession(actor).userId, input.time_zone);

export async function signOut(deps: Deps, actor: Actor): Promise<void> {
  const { userId, sessionId } = authorizeSession(actor);
  await store.deleteSession(deps.db, userId, sessionId);
  await record(deps, userId, actor, 'signed_out');
}

export async function getAccount(deps: Deps, actor: Actor) {
  return presentAccount(await requireUser(deps, authorizeSession(actor).userId));
}

/** Ends all other sessions and all reset links. */
export async function changePassword(deps: Deps, actor: Actor, input: z.infer<typeof changePasswordSchema>): Promise<void> {
  const { userId, sessionId } = authorizeSession(actor);
  const row = await confirmPassword(deps, actor, userId, input.current_password, 'current_password');
  const newHash = await hashNewPassword(deps, input.new_password, 'new_password');
  if (!(await store.changePassword(deps.db, userId, row.passwordHash, newHash, sessionId, deps.now()))) {
    fail({ kind: 'conflict', detail: 'The password was changed at the same time. Try again.' });
  }
  await record(deps, userId, actor, 'password_changed');
}

/** Ends all sessions. */
export async function resetPassword(deps: Deps, input: z.infer<typeof resetPasswordSchema>): Promise<void> {
  const refuse = (): never => fail({ kind: 'forbidden', detail: 'The link is used, expired or incomplete.' });
  if (!isSecretToken(TOKEN_PREFIX.passwordReset, input.token)) refuse();
  const tokenHash = await hashSecretToken(input.token);
  const userId = (await store.findResetUserAcrossUsers(deps.db, tokenHash, deps.now())) ?? refuse();
  const newHash = await hashNewPassword(deps, input.new_password, 'new_password');
  const user = (await store.findUser(deps.db, userId)) ?? refuse();
  if (!(await store.resetPassword(deps.db, userId, tokenHash, newHash, deps.now()))) refuse();
  await record(deps, userId, NOBODY, 'password_reset');
  await store.forgetFailures(deps.db, await hashEmail(user.email));
}
