/**
 * The throttle by address, in front of everything that hashes a password or tells who exists. It costs no D1.
 */
import type { MiddlewareHandler } from 'hono';
import { RATE_LIMIT_PERIOD_S } from '../deps.ts';
import { fail } from '../errors.ts';
import type { AppEnv } from './context.ts';

/** What counts as one address: an IPv4 address, or the /64 network that a provider gives to one customer of IPv6. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('%')[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - groups.length - (tail === '' ? 0 : tail.split(':').length));
  const all = [...groups, ...Array<string>(missing).fill('0'), ...(tail ? tail.split(':') : [])];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

/** At most 30 requests a minute from an address to each route (`purpose`) that uses it. */
export const throttleAddress =
  (purpose: string): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const address = addressKey(c.req.header('cf-connecting-ip') ?? 'local');
    if (!(await c.var.deps.limits.address(`${purpose} ${address}`))) {
      fail({ kind: 'too_many', detail: 'Too many attempts from this address. Wait a minute.', retryAfterS: RATE_LIMIT_PERIOD_S });
    }
    await next();
  };
