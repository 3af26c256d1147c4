/** The matcher with the fastest start in a new isolate (docs/decisions/0003). */
import { Hono } from 'hono';
import { TrieRouter } from 'hono/router/trie-router';
import type { AppEnv } from './context.ts';

export const createRouter = () => new Hono<AppEnv>({ router: new TrieRouter() });

export type Router = ReturnType<typeof createRouter>;
