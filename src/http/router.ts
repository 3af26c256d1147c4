/**
 * A router of Hono's, with the one of its matchers that `methodNotAllowed` needs anyway: the others would only be more bytes and, until
 * they have seen the first request, more work (docs/decisions/0003).
 */
import { HonoBase } from 'hono/hono-base';
import { TrieRouter } from 'hono/router/trie-router';
import type { AppEnv } from './context.ts';

export const createRouter = () => new HonoBase<AppEnv>({ router: new TrieRouter() });

export type Router = ReturnType<typeof createRouter>;
