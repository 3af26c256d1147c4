import type { Context } from 'hono';
import type { AppEnv } from './context.ts';

/** Origin for links, cookies and forms. `X-Forwarded-Proto` is not trusted: anybody can send it. */
export const publicOriginOf = (c: Context<AppEnv>): string => c.get('deps').config.publicUrl ?? new URL(c.req.url).origin;
