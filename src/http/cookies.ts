/**
 * The cookies of the pages: the session, the message that a redirect carries to the next page, and as what the browser is known. All are `__Host-` cookies,
 * but on http://localhost, where browsers do not store those.
 */

import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { decrypt, encrypt } from '../crypto/cipher.ts';
import { isLoopback } from '../lib/address.ts';
import { DAY_MS, SECOND_MS } from '../lib/day.ts';
import type { KnownBrowser } from '../users/known-browser.ts';
import type { AppEnv } from './context.ts';
import { publicOriginOf } from './origin.ts';

/** What a page says about the form that led to it. `secret` is shown this once. */
export interface Flash {
  kind: 'done' | 'failed';
  text: string;
  secret?: string;
  /** The path of the page that is to say it. */
  at: string;
}

const FLASH_S = 60;

function isPlain(c: Context<AppEnv>): boolean {
  const { protocol, hostname } = new URL(publicOriginOf(c));
  return protocol === 'http:' && isLoopback(hostname);
}

/**
 * Will the browser drop the cookies of an answer? It does where it came by plain http and they are `Secure`. A proxy that ends TLS asks us by http, too;
 * then it says so, or the browser sends what it only sends over https. Source: https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
export function areCookiesDropped(c: Context<AppEnv>): boolean {
  if (isPlain(c) || new URL(c.req.url).protocol === 'https:') return false;
  const isProxied = c.req.header('x-forwarded-proto') === 'https' || c.req.header('origin')?.startsWith('https://') === true;
  return !isProxied && c.req.header('sec-fetch-site') === undefined;
}

const nameOf = (c: Context<AppEnv>, cookie: 'session' | 'flash' | 'browser'): string => (isPlain(c) ? cookie : `__Host-${cookie}`);
const optionsOf = (c: Context<AppEnv>) => ({ path: '/', httpOnly: true, sameSite: 'Lax', secure: !isPlain(c) }) as const;

/** The JWT of the session, if the browser sent one. */
export const readSession = (c: Context<AppEnv>): string | null => getCookie(c, nameOf(c, 'session')) || null;

/** Gives the browser a session for as many seconds as it lives. */
export const writeSession = (c: Context<AppEnv>, jwt: string, maxAge: number): void =>
  setCookie(c, nameOf(c, 'session'), jwt, { ...optionsOf(c), maxAge });

export const forgetSession = (c: Context<AppEnv>): void => void deleteCookie(c, nameOf(c, 'session'), optionsOf(c));

const flashPlace = (userId: number) => ({ column: 'cookie.flash', userId, hash: '' });

/**
 * Leaves a message for the next page. It is encrypted, since it may hold a secret that is shown once, and so that nobody else can
 * make this site say something.
 * @param userId who will be signed in then; 0 for nobody
 */
export async function writeFlash(c: Context<AppEnv>, flash: Flash, userId: number): Promise<void> {
  const { envelope } = await encrypt(c.get('deps').config.keyring, flashPlace(userId), JSON.stringify(flash));
  setCookie(c, nameOf(c, 'flash'), envelope, { ...optionsOf(c), maxAge: FLASH_S });
}

/** Takes the message that was left for this user and page. It is gone then; what is meant for another page stays. */
export async function takeFlash(c: Context<AppEnv>, userId: number): Promise<Flash | null> {
  const envelope = getCookie(c, nameOf(c, 'flash'));
  if (!envelope || c.req.method === 'HEAD') return null;
  const opened = await decrypt(c.get('deps').config.keyring, flashPlace(userId), envelope);
  const flash: Flash | null = opened.ok ? JSON.parse(opened.value) : null;
  if (flash && flash.at !== c.req.path) return null;
  deleteCookie(c, nameOf(c, 'flash'), optionsOf(c));
  return flash;
}

/** For so long a browser in which somebody signed in has a throttle of its own. */
const KNOWN_BROWSER_MS = 365 * DAY_MS;

/** A place of its own: no other cookie is taken for this one, nor this one for another. */
const BROWSER_PLACE = { column: 'cookie.browser', userId: 0, hash: '' };

/** Tells the browser that somebody signed in here. It outlives the session, and opens nothing. */
export async function writeKnownBrowser(c: Context<AppEnv>, browser: KnownBrowser): Promise<void> {
  const { envelope } = await encrypt(c.get('deps').config.keyring, BROWSER_PLACE, JSON.stringify(browser));
  setCookie(c, nameOf(c, 'browser'), envelope, { ...optionsOf(c), maxAge: KNOWN_BROWSER_MS / SECOND_MS });
}

/** As what the browser is known; null: it is not, shows what was not written here, or nobody signed in for a year. */
export async function readKnownBrowser(c: Context<AppEnv>): Promise<KnownBrowser | null> {
  const opened = await decrypt(c.get('deps').config.keyring, BROWSER_PLACE, getCookie(c, nameOf(c, 'browser')) ?? '');
  const browser: KnownBrowser | null = opened.ok ? JSON.parse(opened.value) : null;
  return browser && c.get('deps').now() - browser.since < KNOWN_BROWSER_MS ? browser : null;
}
