/**
 * The pieces from which a room describes its routes, so that validation, types and the OpenAPI document are one thing.
 */
import { OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { fail } from '../errors.ts';
import type { AppEnv } from './context.ts';
import { requireReader, requireSession } from './guard.ts';
import { invalidInput, problemSchema } from './problem.ts';

/** A router whose refused input becomes a 422 problem. */
export const createRouter = (): OpenAPIHono<AppEnv> =>
  new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) fail(invalidInput(result.error));
    },
  });

const hasBody = (c: Context): boolean => c.req.header('transfer-encoding') !== undefined || Number(c.req.header('content-length') ?? 0) > 0;

/** 415 before 401: who sends something else than JSON learns that first. */
const expectJson: MiddlewareHandler<AppEnv> = async (c, next) => {
  const type = c.req.header('content-type');
  const isJson = /^application\/([a-z.-]+\+)?json\s*(;|$)/i.test(type ?? '');
  if (!isJson && (type !== undefined || hasBody(c))) {
    fail({ kind: 'not_json', detail: 'Send the body as "Content-Type: application/json".' });
  }
  await next();
};

/** A required JSON body. Routes with one also take `acceptsJson`. */
export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  body: { required: true as const, content: { 'application/json': { schema } } },
});

export const jsonAnswer = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

const PROBLEM_DESCRIPTIONS: Record<number, string> = {
  400: 'The request makes no sense, is not valid JSON, or a limit is reached',
  401: 'Not authenticated',
  403: "Somebody else's, or not permitted",
  404: 'No such thing',
  409: 'Already there',
  413: 'Body over 64 KiB',
  415: 'Body is not JSON',
  422: 'Invalid input, with the paths of what is wrong',
  429: 'Too many requests; `Retry-After` says when to come back',
  500: 'Unexpected failure, with a request id',
  503: 'Configuration or database failed',
};

/** Problem documents that a route answers with. Handlers throw them, so they are not part of a handler's type. */
export function problems(...statuses: number[]): Record<never, never> {
  const content = { 'application/problem+json': { schema: problemSchema } };
  return Object.fromEntries(statuses.map((status) => [status, { description: PROBLEM_DESCRIPTIONS[status] ?? '', content }]));
}

/** Pieces of a route for who may call it, in the order of the checks: content type, credential. */
export const access = {
  public: { security: [] as Record<string, string[]>[] },
  publicJson: { security: [] as Record<string, string[]>[], middleware: [expectJson] },
  session: { security: [{ session: [] }], middleware: [requireSession] },
  sessionJson: { security: [{ session: [] }], middleware: [expectJson, requireSession] },
  reader: { security: [{ apiToken: [] }, { session: [] }], middleware: [requireReader] },
} satisfies Record<string, Pick<RouteConfig, 'security' | 'middleware'>>;

/** A path's `{id}`: a positive integer. */
export const idParam = z.object({
  id: z.coerce.number('Must be a positive integer').int('Must be a positive integer').positive('Must be a positive integer'),
});

/** Describes the two credentials in the document. */
export function registerSecurity(app: OpenAPIHono<AppEnv>): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: '`access_token` of `POST /api/auth/login`',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiToken', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API token (`or_api_…`) of `POST /api/tokens`',
  });
}

/** Head of the OpenAPI document. */
export const DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'OpenRouter Monitor',
    version: '1',
    description:
      'What your OpenRouter keys spend: accounts, keys, API tokens and statistics. Money is in USD, instants are ISO 8601 in UTC.',
  },
};
