/** The ways in which a call to OpenRouter goes wrong. */
import { errorAnswer } from './answers.ts';

export type Fault =
  | { kind: 'status'; status: 400 | 401 | 402 | 403 | 404 | 408 | 500 | 502 | 503 | 524 | 529 }
  | { kind: 'rate_limited'; retryAfter?: string }
  | { kind: 'address_refused' }
  | { kind: 'html'; status: number }
  | { kind: 'missing_field'; field: string }
  | { kind: 'wrong_type'; field: string }
  | { kind: 'echo_secret'; secret: string }
  | { kind: 'redirect'; location: string }
  | { kind: 'refused'; message: string }
  | { kind: 'truncated' }
  | { kind: 'oversized' }
  | { kind: 'deep' }
  | { kind: 'trickle' }
  | { kind: 'hang' }
  | { kind: 'drop' };

const MESSAGES: Record<number, string> = {
  401: 'User not found.',
  402: 'Insufficient credits',
  403: 'Only management keys can perform this operation',
};

/** Waits until the caller gives up. */
const hang = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });

/** Begins an answer and goes on with a space now and then, until the caller gives up. */
const trickle = (signal: AbortSignal): ReadableStream =>
  new ReadableStream({
    start(controller) {
      signal.addEventListener('abort', () => controller.error(signal.reason));
    },
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (!signal.aborted) controller.enqueue(new TextEncoder().encode(' '));
    },
  });

const DEPTH = 200_000;

async function changeData(response: Response, change: (data: Record<string, unknown>) => void): Promise<Response> {
  const body = (await response.json()) as { data: Record<string, unknown> };
  change(body.data);
  return Response.json(body);
}

/** The answer with the fault in it. */
export async function answerFault(fault: Fault, signal: AbortSignal, sound: () => Promise<Response>): Promise<Response> {
  switch (fault.kind) {
    case 'status':
      return errorAnswer(fault.status, MESSAGES[fault.status] ?? 'Something went wrong');
    case 'address_refused':
      return errorAnswer(403, 'Access denied: your IP address is not in the allowlist of this account');
    case 'rate_limited':
      return errorAnswer(429, 'Rate limit exceeded', fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter });
    case 'html':
      return new Response('<!doctype html><title>Just a moment…</title>', {
        status: fault.status,
        headers: { 'content-type': 'text/html' },
      });
    case 'missing_field':
      return changeData(await sound(), (data) => delete data[fault.field]);
    case 'wrong_type':
      return changeData(await sound(), (data) => {
        data[fault.field] = { unexpected: true };
      });
    case 'echo_secret':
      return changeData(await sound(), (data) => {
        data['label'] = fault.secret;
        data['limit_reset'] = fault.secret;
      });
    case 'redirect':
      return new Response(null, { status: 302, headers: { location: fault.location } });
    case 'refused':
      return errorAnswer(400, fault.message);
    case 'truncated':
      return changeData(await sound(), (data) => {
        data['metadata'] = { ...(data['metadata'] as object), truncated: true };
      });
    case 'oversized':
      return new Response(JSON.stringify({ data: 'x'.repeat(6 * 1024 * 1024) }), { headers: { 'content-type': 'application/json' } });
    case 'deep':
      return new Response(`{"data":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}`, { headers: { 'content-type': 'application/json' } });
    case 'trickle':
      return new Response(trickle(signal), { headers: { 'content-type': 'application/json' } });
    case 'hang':
      return hang(signal);
    case 'drop':
      throw new TypeError('fetch failed: the connection was dropped');
  }
}
