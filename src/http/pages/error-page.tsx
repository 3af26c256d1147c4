/** People get a page, programs a problem document. */
import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { type AppError, PROBLEMS } from '../../errors.ts';
import type { AppEnv } from '../context.ts';
import { recogniseViewer } from '../guard.ts';
import { problemResponse } from '../problem.ts';
import { Frame } from './layout.tsx';

function isForPeople(c: Context<AppEnv>): boolean {
  if (c.req.path.startsWith('/api/')) return false;
  return (
    accepts(c, { header: 'Accept', supports: ['application/problem+json', 'text/html'], default: 'application/problem+json' }) ===
    'text/html'
  );
}

const ErrorPage = ({ c, error }: { c: Context<AppEnv>; error: AppError }) => {
  const { status, title } = PROBLEMS[error.kind];
  const viewer = c.get('viewer') ?? null;
  return (
    <Frame title={title} here={c.req.path} view={{ viewer, flash: null, draft: null, failure: null }} class="narrow">
      <h1>{title}</h1>
      <p>{error.detail}</p>
      {status >= 500 && (
        <p>
          Request id: <code>{c.get('requestId')}</code>
        </p>
      )}
      <p>
        <a class="button" href={viewer ? '/dashboard' : '/'}>
          {viewer ? 'Go to the dashboard' : 'Go to the start'}
        </a>
      </p>
    </Frame>
  );
};

export async function errorResponse(c: Context<AppEnv>, error: AppError): Promise<Response> {
  const problem = problemResponse(error, c.get('requestId'));
  if (!isForPeople(c)) return problem;
  // Not done yet where no page was found, and impossible where the database failed.
  if (c.get('viewer') === null && problem.status < 500) await recogniseViewer(c, async () => {});
  const page = await c.html(<ErrorPage c={c} error={error} />, problem.status as 500);
  for (const name of ['retry-after', 'allow']) {
    const value = problem.headers.get(name);
    if (value !== null) page.headers.set(name, value);
  }
  return page;
}
