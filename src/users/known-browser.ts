/** Browsers with an earlier sign-in have their own throttle: failed attempts elsewhere do not lock the account for them. */
import { sha256Hex } from '../lib/sha256.ts';
import type { UserRow } from './model.ts';

/** Content of the cookie. It signs nobody in: it only names a throttle. */
export interface KnownBrowser {
  userId: number;
  /** Random, so that nobody without the cookie can use up this browser's attempts. */
  browserId: string;
  /** Hash of account and password: after a password change, or for another account, the browser is unknown. */
  passwordMark: string;
  /** Time of the sign-in, epoch milliseconds. */
  since: number;
}

type Account = Pick<UserRow, 'id' | 'passwordHash'>;

const markOf = (account: Account): Promise<string> => sha256Hex(`${account.id} ${account.passwordHash}`);

export async function rememberBrowser(account: Account, before: KnownBrowser | null, now: number): Promise<KnownBrowser> {
  const browserId = before?.userId === account.id ? before.browserId : crypto.randomUUID();
  return { userId: account.id, browserId, passwordMark: await markOf(account), since: now };
}

export const isKnownBrowserOf = async (browser: KnownBrowser, account: Account): Promise<boolean> =>
  browser.passwordMark === (await markOf(account));
