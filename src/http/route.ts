/** API routes as values. Types, validation and the OpenAPI document come from the same schemas. */
import type { Context, MiddlewareHandler } from 'hono';
import type * as z from 'zod';
import type { Actor } from '../actor.ts';
import type { Deps } from '../deps.ts';
import { fail } from '../errors.ts';
import type { AppEnv } from './context.ts';
import { revalidate } from './etag.ts';
import { recogniseSession, requireReader, requireSession } from './guard.ts';
import { invalidInput } from './problem.ts';
import { throttleAddress } from './rate-limit.ts';
import { createRouter } from './router.ts';

/** `recognised`: anybody, and sessions are recognized. `reader`: sessions and API tokens. */
export type Access = 'public' | 'recognised' | 'session' | 'reader';

export interface Success {
  status: 200 | 201 | 202 | 204;
  description: string;
  /** Of the JSON body, if there is one. */
  schema?: z.ZodType;
  others?: string[];
}

export interface RouteDescription {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** With `{id}` for a parameter. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  access: Access;
  throttle?: string;
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
  success: Success;
  etag?: unknown;
  /** Problem statuses beyond those that follow from the other fields. */
  problems?: number[];
}

type Output<T> = T extends z.ZodType ? z.output<T> : undefined;

export interface Input<P, Q, B> {
  c: Context<AppEnv>;
  deps: Deps;
  actor: Actor;
  params: Output<P>;
  query: Output<Q>;
  body: Output<B>;
}

type Answer<S extends Success> = S extends { schema: infer T extends z.ZodType } ? z.input<T> | Response : unknown;

/** The result is sent as JSON; a `Response` is sent as it is. */
export interface Route<P, Q, B, S extends Success> extends RouteDescription {
  params?: P & z.ZodType;
  query?: Q & z.ZodType;
  body?: B & z.ZodType;
  success: S;
  handle(input: Input<P, Q, B>): Answer<S> | Promise<Answer<S>>;
  /** What else the response depends on, besides path, UTC day and the user's data: also the chosen media type, but not `Accept`. */
  etag?(input: Input<P, Q, B>): unknown;
}

const GUARDS: Record<Access, MiddlewareHandler<AppEnv>[]> = {
  public: [],
  recognised: [recogniseSession],
  session: [requireSession],
  reader: [requireReader],
};

const hasBody = (c: Context): boolean => c.req.header('transfer-encoding') !== undefined || Number(c.req.header('content-length') ?? 0) > 0;

const isJson = (c: Context): boolean => /^application\/([a-z.-]+\+)?json\s*(;|$)/i.test(c.req.header('content-type') ?? '');

/** Comes before authentication: 415, then 401. An empty body may have any type where none is expected. */
const expectJson =
  (isBodyExpected: boolean): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const isTyped = isBodyExpected && c.req.header('content-type') !== undefined;
    if (!isJson(c) && (isTyped || hasBody(c))) fail({ kind: 'not_json', detail: 'Send the body as "Content-Type: application/json".' });
    await next();
  };

async function readJson(c: Context): Promise<unknown> {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(await c.req.arrayBuffer()));
  } catch {
    return fail({ kind: 'bad_request', detail: 'The body is not valid JSON.' });
  }
}

/** Repeated parameters stay lists, which schemas of single values reject. */
function readQuery(c: Context): Record<string, unknown> {
  return Object.fromEntries(Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}

function parse<T>(schema: T & z.ZodType, value: unknown): Output<T> {
  const parsed = schema.safeParse(value);
  return parsed.success ? (parsed.data as Output<T>) : fail(invalidInput(parsed.error));
}

async function answer<P, Q, B, S extends Success>(c: Context<AppEnv>, route: Route<P, Q, B, S>): Promise<Response> {
  const input: Input<P, Q, B> = {
    c,
    deps: c.get('deps'),
    actor: c.get('actor'),
    params: (route.params && parse(route.params, c.req.param())) as Output<P>,
    query: (route.query && parse(route.query, readQuery(c))) as Output<Q>,
    body: (route.body && parse(route.body, await readJson(c))) as Output<B>,
  };
  const handle = async (): Promise<Response> => {
    const result = await route.handle(input);
    if (result instanceof Response) return result;
    const { status } = route.success;
    return status === 204 ? c.body(null, status) : c.json(result ?? null, status);
  };
  return route.etag ? revalidate(c, route.etag(input), route.success.others !== undefined, handle) : handle();
}

export function createApi() {
  const router = createRouter();
  const descriptions: RouteDescription[] = [];

  function route<S extends Success, P = undefined, Q = undefined, B = undefined>(definition: Route<P, Q, B, S>): void {
    const middleware = [
      ...(definition.method === 'get' ? [] : [expectJson(definition.body !== undefined)]),
      ...(definition.throttle === undefined ? [] : [throttleAddress(definition.throttle)]),
      ...GUARDS[definition.access],
    ];
    const path = definition.path.replace(/\{(\w+)\}/g, ':$1');
    router.on(definition.method.toUpperCase(), [path], ...middleware, (c) => answer(c, definition));
    descriptions.push(definition);
  }

  return { router, descriptions, route };
}

export type Api = ReturnType<typeof createApi>;
