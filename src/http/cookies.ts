/** Session, message for the next page, known browser: `__Host-` cookies, except on http://localhost, where browsers reject those. */
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { decrypt, encrypt } from '../crypto/cipher.ts';
import { isLoopback } from '../lib/address.ts';
import { DAY_MS, SECOND_MS } from '../lib/day.ts';
import type { KnownBrowser } from '../users/known-browser.ts';
import type { AppEnv } from './context.ts';
import { publicOriginOf } from './origin.ts';

export interface Flash {
  kind: 'done' | 'failed';
  text: string;
  secret?: string;
  /** The page that shows it. */
  at: string;
}

const FLASH_S = 60;

function isPlain(c: Context<AppEnv>): boolean {
  const { protocol, hostname } = new URL(publicOriginOf(c));
  return protocol === 'http:' && isLoopback(hostname);
}

/**
 * Browsers drop `Secure` cookies that come over plain http. A proxy that ends TLS also calls us over http, but then it says so, or the
 * browser sends headers that it sends over https only. Source: https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
export function areCookiesDropped(c: Context<AppEnv>): boolean {
  if (isPlain(c) || new URL(c.req.url).protocol === 'https:') return false;
  const isProxied = c.req.header('x-forwarded-proto') === 'https' || c.req.header('origin')?.startsWith('https://') === true;
  return !isProxied && c.req.header('sec-fetch-site') === undefined;
}

const nameOf = (c: Context<AppEnv>, cookie: 'session' | 'flash' | 'browser'): string => (isPlain(c) ? cookie : `__Host-${cookie}`);
const optionsOf = (c: Context<AppEnv>) => ({ path: '/', httpOnly: true, sameSite: 'Lax', secure: !isPlain(c) }) as const;

export const readSession = (c: Context<AppEnv>): string | null => getCookie(c, nameOf(c, 'session')) || null;

export const writeSession = (c: Context<AppEnv>, jwt: string, maxAge: number): void =>
  setCookie(c, nameOf(c, 'session'), jwt, { ...optionsOf(c), maxAge });

export const forgetSession = (c: Context<AppEnv>): void => void deleteCookie(c, nameOf(c, 'session'), optionsOf(c));

const flashPlace = (userId: number) => ({ column: 'cookie.flash', userId, hash: '' });

/** Encrypted, as it may hold a secret and must not be forged. @param userId who will be signed in then; 0: nobody */
export async function writeFlash(c: Context<AppEnv>, flash: Flash, userId: number): Promise<void> {
  const { envelope } = await encrypt(c.get('deps').config.keyring, flashPlace(userId), JSON.stringify(flash));
  setCookie(c, nameOf(c, 'flash'), envelope, { ...optionsOf(c), maxAge: FLASH_S });
}

export async function takeFlash(c: Context<AppEnv>, userId: number): Promise<Flash | null> {
  const envelope = getCookie(c, nameOf(c, 'flash'));
  if (!envelope || c.req.method === 'HEAD') return null;
  const opened = await decrypt(c.get('deps').config.keyring, flashPlace(userId), envelope);
  const flash: Flash | null = opened.ok ? JSON.parse(opened.value) : null;
  if (flash && flash.at !== c.req.path) return null;
  deleteCookie(c, nameOf(c, 'flash'), optionsOf(c));
  return flash;
}

const KNOWN_BROWSER_MS = 365 * DAY_MS;

/** Distinct, so that no cookie passes for another. */
const BROWSER_PLACE = { column: 'cookie.browser', userId: 0, hash: '' };

/** Outlives the session and grants nothing. */
export async function writeKnownBrowser(c: Context<AppEnv>, browser: KnownBrowser): Promise<void> {
  const { envelope } = await encrypt(c.get('deps').config.keyring, BROWSER_PLACE, JSON.stringify(browser));
  setCookie(c, nameOf(c, 'browser'), envelope, { ...optionsOf(c), maxAge: KNOWN_BROWSER_MS / SECOND_MS });
}

/** Null if it is absent, not ours, or older than a year. */
export async function readKnownBrowser(c: Context<AppEnv>): Promise<KnownBrowser | null> {
  const opened = await decrypt(c.get('deps').config.keyring, BROWSER_PLACE, getCookie(c, nameOf(c, 'browser')) ?? '');
  const browser: KnownBrowser | null = opened.ok ? JSON.parse(opened.value) : null;
  return browser && c.get('deps').now() - browser.since < KNOWN_BROWSER_MS ? browser : null;
}
