/** Pages and forms as values, like routes. A form ends in a redirect with a message, or in its page with values and errors. */
import type { Context, MiddlewareHandler } from 'hono';
import { csrf } from 'hono/csrf';
import type { Child } from 'hono/jsx';
import type * as z from 'zod';
import type { Actor } from '../../actor.ts';
import type { Deps } from '../../deps.ts';
import { type AppError, AppFailure, fail, PROBLEMS } from '../../errors.ts';
import type { AppEnv, Viewer } from '../context.ts';
import { type Flash, forgetSession, takeFlash, writeFlash, writeSession } from '../cookies.ts';
import { type Draft, type FormFailure, failureOf, type Kept, shownOf } from '../forms/form-failure.ts';
import { recogniseViewer } from '../guard.ts';
import { publicOriginOf } from '../origin.ts';
import { invalidInput } from '../problem.ts';
import { throttleAddress } from '../rate-limit.ts';
import { createRouter } from '../router.ts';

type PageAccess = 'public' | 'session';

export interface View {
  c: Context<AppEnv>;
  deps: Deps;
  actor: Actor;
  viewer: Viewer | null;
  flash: Flash | null;
  draft: Draft | null;
  failure: FormFailure | null;
}

type Rendered = Child | Response;

export interface Outcome {
  /** A path of this site. */
  to: string;
  message?: string;
  secret?: string;
  /** A session that began; `null`: sign out. */
  session?: { userId: number; access_token: string; expires_in: number } | null;
}

export interface FormDefinition<T extends z.ZodType> {
  path: string;
  access: PageAccess;
  throttle?: string;
  schema: T;
  /** Fields that may be shown again: never secrets. */
  kept?: Kept;
  act(input: { c: Context<AppEnv>; deps: Deps; actor: Actor; id: number; body: z.output<T> }): Promise<Outcome>;
  show(view: View, id: number): Rendered | Promise<Rendered>;
}

export interface RedrawDefinition {
  path: string;
  access: PageAccess;
  form: string;
  kept: Kept;
  /** What of them goes into the other fields. */
  typed?(values: Record<string, string>): Record<string, string>;
  show(view: View): Rendered | Promise<Rendered>;
}

const SIGN_IN = '/login';
/** Longer queries are not ours, and headers have limits. */
const MAX_QUERY = 2000;

function hereOf(c: Context): string {
  const { search } = new URL(c.req.url);
  return search.length > MAX_QUERY ? c.req.path : `${c.req.path}${search}`;
}

/** Pages return after the sign-in. The content of a form is lost, and the message says so. */
async function askToSignIn(c: Context<AppEnv>): Promise<Response> {
  if (['GET', 'HEAD'].includes(c.req.method)) return c.redirect(`${SIGN_IN}?next=${encodeURIComponent(hereOf(c))}`, 303);
  await writeFlash(c, { kind: 'failed', text: 'Your session has ended, so nothing was done. Sign in and try again.', at: SIGN_IN }, 0);
  return c.redirect(SIGN_IN, 303);
}

const requireViewer: MiddlewareHandler<AppEnv> = async (c, next) => {
  return c.get('viewer') === null ? askToSignIn(c) : next();
};

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

async function viewOf(c: Context<AppEnv>, failure: FormFailure | null = null, draft: Draft | null = failure): Promise<View> {
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

/** Missing or foreign things have no page to show the error on. */
function isShown(error: AppError, path: string): boolean {
  if (error.kind === 'forbidden' && error.path !== undefined) return true;
  return !['internal', 'misconfigured', 'too_large', ...(path.includes(':id') ? ['not_found', 'forbidden'] : [])].includes(error.kind);
}

export function createPages() {
  const router = createRouter();
  const pages = new Set<string>();
  const guards = (access: PageAccess) => (access === 'session' ? [recogniseViewer, requireViewer] : [recogniseViewer]);

  function page(path: string, access: PageAccess, render: (view: View, id: number) => Rendered | Promise<Rendered>): void {
    pages.add(path);
    router.on('GET', [path], ...guards(access), async (c) => send(c, await render(await viewOf(c), idOf(c))));
  }

  /** Reloading a form's address after an error leads to the page that contains it. */
  const pageAbove = (path: string): string => {
    const above = path.split('/').slice(0, -1);
    while (above.length > 1 && !pages.has(above.join('/'))) above.pop();
    return above.join('/') || '/';
  };

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

  /** A POST, since a form may contain a secret. */
  function redraw({ path, access, form: of, kept, typed = (values) => values, show }: RedrawDefinition): void {
    post(path, access, [], async (c) => {
      const values = shownOf(await readForm(c), kept);
      return send(c, await show(await viewOf(c, null, { form: of, values: typed(values) })));
    });
  }

  return { router, pages, page, form, redraw };
}
