/** How users ask the app. */
import { createApp } from '../../src/app.ts';
import type { Deps } from '../../src/deps.ts';
import type { Secrets } from './secrets.ts';
import { violated } from './violation.ts';

export interface Answer {
  status: number;
  text: string;
  /** Parsed, where the answer is JSON. */
  body: unknown;
}

export interface CallOptions {
  token?: string | null;
  /** Signs a page's visitor in. */
  cookie?: string | null;
  body?: object;
  /** Finds the one secret that this answer may show; from then on nothing else may. */
  shows?: (body: unknown) => string;
}

const CONTEXT = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext;

function requestOf(method: string, { token, cookie, body }: CallOptions): RequestInit {
  const headers = new Headers({ 'cf-connecting-ip': '192.0.2.1', accept: cookie ? 'text/html' : 'application/json' });
  if (token) headers.set('authorization', `Bearer ${token}`);
  if (cookie) headers.set('cookie', `__Host-session=${cookie}`);
  if (body) headers.set('content-type', 'application/json');
  return { method, headers, ...(body && { body: JSON.stringify(body) }) };
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = text !== '' && /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, text, body: isJson ? JSON.parse(text) : null };
}

/** Asks the app. An answer of 500, or one that shows a secret, ends the run. */
export function createClient(makeDeps: () => Deps, secrets: Secrets, note: (event: string) => void) {
  const app = createApp(makeDeps);
  return async function call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const answer = await read(await app.request(`https://monitor.test${path}`, requestOf(method, options), {}, CONTEXT));
    const { status, text, body } = answer;
    note(`${method} ${path}: ${status}`);
    if (status === 500) violated(`${method} ${path} answered 500`);
    const shown = status === 201 && options.shows ? options.shows(body) : null;
    if (shown !== null) secrets.add(shown);
    secrets.expectNone(`the answer to ${method} ${path}`, shown === null ? text : text.replace(shown, ''));
    return answer;
  };
}
