/**
 * Pages and forms as values, as `route.ts` has the routes of the API. A form ends in a redirect with a message, or in its page once
 * more, with what was typed and the errors (`failure.ts`).
 */
import type { Context, MiddlewareHandler } from 'hono';
import { csrf } from 'hono/csrf';
import type { Child } from 'hono/jsx';
import type * as z from 'zod';
import type { Actor } from '../../actor.ts';
import type { Deps } from '../../deps.ts';
import { type AppError, AppFailure, fail, PROBLEMS } from '../../errors.ts';
import type { AppEnv, Viewer } from '../context.ts';
import { type Flash, forgetSession, takeFlash, writeFlash, writeSession } from '../cookies.ts';
import { type Draft, type Failure, failureOf, type Kept, shownOf } from '../forms/failure.ts';
import { recogniseViewer } from '../guard.ts';
import { publicOriginOf } from '../origin.ts';
import { invalidInput } from '../problem.ts';
import { throttleAddress } from '../rate-limit.ts';
import { createRouter } from '../router.ts';

/** Who comes through: anybody, or only who is signed in. */
type PageAccess = 'public' | 'session';

/** What a page is made from. */
export interface View {
  c: Context<AppEnv>;
  deps: Deps;
  actor: Actor;
  viewer: Viewer | null;
  flash: Flash | null;
  /** What was typed into the form that led here, where it is to be shown once more. */
  draft: Draft | null;
  /** Of the form that led here and could not be carried out. */
  failure: Failure | null;
}

type Rendered = Child | Response;

/** What a form did. */
export interface Outcome {
  /** The page that follows: a path of this site. */
  to: string;
  /** What happened, for the next page to say. */
  message?: string;
  /** Shown once on the next page. */
  secret?: string;
  /** A session that began, and its user; `null`: the browser's session is over. */
  session?: { userId: number; access_token: string; expires_in: number } | null;
}

export interface FormDefinition<T extends z.ZodType> {
  path: string;
  access: PageAccess;
  /** Names the throttle by address that the form counts against. */
  throttle?: string;
  schema: T;
  /** What may be shown again after an error: never a secret. */
  kept?: Kept;
  act(input: { c: Context<AppEnv>; deps: Deps; actor: Actor; id: number; body: z.output<T> }): Promise<Outcome>;
  /** The page that holds the form. */
  show(view: View, id: number): Rendered | Promise<Rendered>;
}

export interface RedrawDefinition {
  path: string;
  access: PageAccess;
  /** The address of the form that is drawn once more. */
  form: string;
  /** What may be shown again: never a secret. */
  kept: Kept;
  /** What of that goes on into the other fields. */
  typed?(values: Record<string, string>): Record<string, string>;
  /** The page that holds the form. */
  show(view: View): Rendered | Promise<Rendered>;
}

const SIGN_IN = '/login';
/** A longer query is no question of ours, and a header has its limits. */
const MAX_QUERY = 2000;

/** The address of the request, as the target of a sign-in. */
function hereOf(c: Context): string {
  const { search } = new URL(c.req.url);
  return search.length > MAX_QUERY ? c.req.path : `${c.req.path}${search}`;
}

/** Whoever is not signed in goes there first, and comes back to the page; what a form held is lost, which the message says. */
async function askToSignIn(c: Context<AppEnv>): Promise<Response> {
  if (['GET', 'HEAD'].includes(c.req.method)) return c.redirect(`${SIGN_IN}?next=${encodeURIComponent(hereOf(c))}`, 303);
  await writeFlash(c, { kind: 'failed', text: 'Your session has ended, so nothing was done. Sign in and try again.', at: SIGN_IN }, 0);
  return c.redirect(SIGN_IN, 303);
}

const requireViewer: MiddlewareHandler<AppEnv> = async (c, next) => {
  return c.get('viewer') === null ? askToSignIn(c) : next();
};

/** An id in a path that is none leads nowhere. */
const idOf = (c: Context): number => {
  const text = c.req.param('id');
  if (text === undefined) return 0;
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : fail({ kind: 'not_found', detail: 'There is nothing at this address.' });
};

async function readForm(c: Context): Promise<Record<string, string>> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(c.req.header('content-type') ?? '')) {
    fail({ kind: 'bad_request', detail: 'This address expects a form.' });
  }
  return Object.fromEntries(new URLSearchParams(await c.req.text()));
}

const userIdOf = (actor: Actor): number => (actor.kind === 'user' ? actor.userId : 0);

async function viewOf(c: Context<AppEnv>, failure: Failure | null = null, draft: Draft | null = failure): Promise<View> {
  const { deps, actor, viewer } = c.var;
  const flash = await takeFlash(c, userIdOf(actor));
  return { c, deps, actor, viewer, draft, failure, flash: failure ? null : flash };
}

const send = async (c: Context<AppEnv>, rendered: Rendered, status: 200 | 400 | 401 | 403 | 404 | 409 | 422 | 429 | 503 = 200) =>
  rendered instanceof Response ? rendered : c.html(rendered as string, status);

async function follow(c: Context<AppEnv>, { to, message, secret, session }: Outcome): Promise<Response> {
  if (session) writeSession(c, session.access_token, session.expires_in);
  if (session === null) forgetSession(c);
  const userId = session === undefined ? userIdOf(c.get('actor')) : (session?.userId ?? 0);
  if (message !== undefined) {
    const at = to.split('?')[0] ?? to;
    await writeFlash(c, { kind: 'done', text: message, at, ...(secret !== undefined && { secret }) }, userId);
  }
  return c.redirect(to, 303);
}

/** Does a form answer this error with its own page? What is not there, or somebody else's, has no page that could show it. */
function isShown(error: AppError, path: string): boolean {
  if (error.kind === 'forbidden' && error.path !== undefined) return true;
  return !['internal', 'misconfigured', 'too_large', ...(path.includes(':id') ? ['not_found', 'forbidden'] : [])].includes(error.kind);
}

/** A room's pages: `page` adds one, `form` what one sends, `redraw` what draws a form once more. */
export function createPages() {
  const router = createRouter();
  const pages = new Set<string>();
  const guards = (access: PageAccess) => (access === 'session' ? [recogniseViewer, requireViewer] : [recogniseViewer]);

  function page(path: string, access: PageAccess, render: (view: View, id: number) => Rendered | Promise<Rendered>): void {
    pages.add(path);
    router.on('GET', [path], ...guards(access), async (c) => send(c, await render(await viewOf(c), idOf(c))));
  }

  /** The page above an address that only takes a form: whoever asks for that once more, after an error, means the page. */
  const pageAbove = (path: string): string => {
    const above = path.split('/').slice(0, -1);
    while (above.length > 1 && !pages.has(above.join('/'))) above.pop();
    return above.join('/') || '/';
  };

  /** An address that only takes forms; whoever asks for it is led to the page. */
  function post(
    path: string,
    access: PageAccess,
    throttles: MiddlewareHandler<AppEnv>[],
    answer: (c: Context<AppEnv>) => Promise<Response>,
  ) {
    if (!pages.has(path)) router.on('GET', [path], (c) => c.redirect(pageAbove(path).replace(':id', String(idOf(c))), 303));
    router.on('POST', [path], csrf({ origin: (origin, c) => origin === publicOriginOf(c) }), ...throttles, ...guards(access), answer);
  }

  function form<T extends z.ZodType>(definition: FormDefinition<T>): void {
    const { path, access, throttle, schema, kept = [], act, show } = definition;
    post(path, access, throttle === undefined ? [] : [throttleAddress(throttle)], async (c) => {
      const id = idOf(c);
      const values = await readForm(c);
      try {
        const { deps, actor } = c.var;
        const parsed = schema.safeParse(values);
        if (!parsed.success) return fail(invalidInput(parsed.error));
        return await follow(c, await act({ c, deps, actor, id, body: parsed.data }));
      } catch (error) {
        if (!(error instanceof AppFailure) || !isShown(error.error, path)) throw error;
        if (error.error.kind === 'unauthenticated' && access === 'session') return askToSignIn(c);
        if ('retryAfterS' in error.error) c.header('retry-after', String(error.error.retryAfterS));
        const view = await viewOf(c, failureOf({ form: c.req.path, values: shownOf(values, kept) }, error.error));
        return send(c, await show(view, id), PROBLEMS[error.error.kind].status as 422);
      }
    });
  }

  /** Draws a form once more with what was typed, where it is to have other fields. It takes a POST, since a form may hold a secret. */
  function redraw({ path, access, form: of, kept, typed = (values) => values, show }: RedrawDefinition): void {
    post(path, access, [], async (c) => {
      const values = shownOf(await readForm(c), kept);
      return send(c, await show(await viewOf(c, null, { form: of, values: typed(values) })));
    });
  }

  return { router, pages, page, form, redraw };
}
