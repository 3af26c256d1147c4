/** Under which address people reach the monitor. */
import type { Context } from 'hono';
import type { AppEnv } from './context.ts';

/**
 * The origin of links, of cookies, and of forms: `PUBLIC_URL`, or else that of the request. What a proxy says in `X-Forwarded-Proto` is not believed:
 * anybody can say it.
 */
export const publicOriginOf = (c: Context<AppEnv>): string => c.get('deps').config.publicUrl ?? new URL(c.req.url).origin;
