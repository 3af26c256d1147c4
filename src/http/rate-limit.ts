/** Throttle by address for everything that hashes a password or reveals who exists. Needs no D1. */
import type { MiddlewareHandler } from 'hono';
import { RATE_LIMIT_PERIOD_S } from '../config.ts';
import { fail } from '../errors.ts';
import { addressKey } from '../lib/address.ts';
import type { AppEnv } from './context.ts';

/** 30 requests per minute, address and `purpose`. */
export const throttleAddress =
  (purpose: string): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const address = addressKey(c.req.header('cf-connecting-ip') ?? 'local');
    if (!(await c.get('deps').limits.address(`${purpose} ${address}`))) {
      fail({ kind: 'too_many', detail: 'Too many attempts from this address. Wait a minute.', retryAfterS: RATE_LIMIT_PERIOD_S });
    }
    await next();
  };
