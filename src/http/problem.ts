/** Problem documents. Source: RFC 9457 */
import type * as z from 'zod';
import { type AppError, fieldErrorsOf, PROBLEMS } from '../errors.ts';
import type { problemSchema } from './docs/responses.ts';

export function problemResponse(error: AppError, requestId?: string): Response {
  const { status, title } = PROBLEMS[error.kind];
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  if (error.kind === 'unauthenticated') headers.set('www-authenticate', 'Bearer');
  if (error.kind === 'method_not_allowed') headers.set('allow', error.allow.join(', '));
  if ('retryAfterS' in error) headers.set('retry-after', String(error.retryAfterS));
  const body: z.infer<typeof problemSchema> = {
    type: `urn:openrouter-monitor:problem:${error.kind.replaceAll('_', '-')}`,
    title,
    status,
    detail: error.detail,
    ...(error.kind === 'invalid' && { errors: error.errors }),
    ...(PROBLEMS[error.kind].status >= 500 && requestId && { request_id: requestId }),
  };
  return new Response(JSON.stringify(body), { status, headers });
}

/** zod's messages contain types and bounds, never values. */
export function invalidInput(error: z.core.$ZodError): AppError {
  const errors = fieldErrorsOf(error);
  const first = errors[0];
  return { kind: 'invalid', detail: first ? `${first.path || 'body'}: ${first.message}` : 'The input is not valid.', errors };
}
