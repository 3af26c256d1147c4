/**
 * Browsers in which somebody signed in before. Whoever guesses at an account from elsewhere locks its sign-in for everybody else
 * elsewhere, but not for them: their failures count by themselves.
 */
import { sha256Hex } from '../lib/sha256.ts';
import type { UserRow } from './model.ts';

/** What the cookie of a known browser says. It lets nobody in: it only names the throttle of a sign-in. */
export interface KnownBrowser {
  userId: number;
  /** At random: who does not hold the cookie cannot use up this browser's attempts. */
  browserId: string;
  /** Whose password was right, and which: to another account, and after another one, the browser is a stranger. */
  passwordMark: string;
  /** When somebody signed in; epoch milliseconds. */
  since: number;
}

type Account = Pick<UserRow, 'id' | 'passwordHash'>;

const markOf = (account: Account): Promise<string> => sha256Hex(`${account.id} ${account.passwordHash}`);

/**
 * The browser in which somebody has just signed in, from now on known for a year.
 * @param before as what it was known until now, maybe of another account
 */
export async function rememberBrowser(account: Account, before: KnownBrowser | null, now: number): Promise<KnownBrowser> {
  const browserId = before?.userId === account.id ? before.browserId : crypto.randomUUID();
  return { userId: account.id, browserId, passwordMark: await markOf(account), since: now };
}

/** Did somebody sign in to this account in this browser with the password that it has now? */
export const isKnownBrowserOf = async (browser: KnownBrowser, account: Account): Promise<boolean> =>
  browser.passwordMark === (await markOf(account));
