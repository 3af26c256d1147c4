/** A router of Hono's, with the matcher that has the least to do for the first request of an isolate (docs/decisions/0003). */
import { Hono } from 'hono';
import { TrieRouter } from 'hono/router/trie-router';
import type { AppEnv } from './context.ts';

export const createRouter = () => new Hono<AppEnv>({ router: new TrieRouter() });

export type Router = ReturnType<typeof createRouter>;
