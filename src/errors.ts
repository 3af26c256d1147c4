/** Errors for callers: one union, one table of statuses, one way to throw. */
import type * as z from 'zod';

/** `path` is dotted (`name`, `channel_ids.0`). */
export interface FieldError {
  path: string;
  message: string;
}

/** `detail` tells a person what to do. It reaches the caller, so it never contains secrets or internals. */
export type AppError =
  | { kind: 'bad_request'; detail: string }
  | { kind: 'limit_reached'; detail: string }
  | { kind: 'unauthenticated'; detail: string }
  /** `path`: the field that would allow it. */
  | { kind: 'forbidden'; detail: string; path?: string }
  | { kind: 'not_found'; detail: string }
  | { kind: 'method_not_allowed'; detail: string; allow: string[] }
  | { kind: 'conflict'; detail: string }
  | { kind: 'too_large'; detail: string }
  | { kind: 'not_json'; detail: string }
  | { kind: 'invalid'; detail: string; errors: FieldError[] }
  | { kind: 'too_many'; detail: string; retryAfterS: number }
  | { kind: 'misconfigured'; detail: string }
  | { kind: 'unavailable'; detail: string; retryAfterS: number }
  | { kind: 'internal'; detail: string };

export const PROBLEMS = {
  bad_request: { status: 400, title: 'Bad request' },
  limit_reached: { status: 400, title: 'Limit reached' },
  unauthenticated: { status: 401, title: 'Not authenticated' },
  forbidden: { status: 403, title: 'Forbidden' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  conflict: { status: 409, title: 'Already there' },
  too_large: { status: 413, title: 'Too large' },
  not_json: { status: 415, title: 'Unsupported media type' },
  invalid: { status: 422, title: 'Invalid input' },
  too_many: { status: 429, title: 'Too many requests' },
  misconfigured: { status: 503, title: 'Not configured' },
  unavailable: { status: 503, title: 'Not available' },
  internal: { status: 500, title: 'Internal error' },
} as const satisfies Record<AppError['kind'], { status: number; title: string }>;

export class AppFailure extends Error {
  override name = 'AppFailure';
  readonly error: AppError;

  constructor(error: AppError) {
    super(error.kind);
    this.error = error;
  }
}

export function fail(error: AppError): never {
  throw new AppFailure(error);
}

export const failFields = (errors: FieldError[]): never =>
  fail({ kind: 'invalid', detail: errors.map(({ path, message }) => `${path}: ${message}`).join('; '), errors });

export const failField = (path: string, message: string): never => failFields([{ path, message }]);

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  return issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: 'Unknown field' }));
}

export const fieldErrorsOf = (error: z.core.$ZodError): FieldError[] => error.issues.flatMap(fieldErrors);
