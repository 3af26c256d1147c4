/** Where one-time links lead: the page says how to use the link. */
import { type Context, Hono } from 'hono';
import { TOKEN_PREFIX } from '../crypto/secret-token.ts';
import type { AppEnv } from '../http/context.ts';
import { Layout } from '../http/layout.tsx';

interface LinkPageProps {
  title: string;
  explanation: string;
  url: string;
  body: Record<string, string>;
}

const LinkPage = ({ title, explanation, url, body }: LinkPageProps) => (
  <Layout title={title}>
    <main>
      <h1>{title}</h1>
      <p>{explanation}</p>
      <pre>
        <code>{`curl -X POST ${url} \\\n  -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(body)}'`}</code>
      </pre>
    </main>
  </Layout>
);

/** The secret of the link, if it looks like one: anything else is not repeated on the page. */
function secretOf(c: Context<AppEnv>, name: string, prefix: string): string {
  const value = c.req.query(name) ?? '';
  return value.startsWith(prefix) && /^\w{1,100}$/.test(value) ? value : `${prefix}…`;
}

export const accountPages = new Hono<AppEnv>();

accountPages.get('/register', (c) =>
  c.html(
    <LinkPage
      title="Create your account"
      explanation="You were invited. Send your e-mail and a password of at least 12 characters:"
      url={new URL('/api/auth/register', c.req.url).href}
      body={{ email: 'you@your.domain', password: '…', invite: secretOf(c, 'invite', TOKEN_PREFIX.invitation) }}
    />,
  ),
);

accountPages.get('/reset-password', (c) =>
  c.html(
    <LinkPage
      title="Set a new password"
      explanation="Send a new password of at least 12 characters. All your sessions end:"
      url={new URL('/api/auth/reset-password', c.req.url).href}
      body={{ token: secretOf(c, 'token', TOKEN_PREFIX.passwordReset), new_password: '…' }}
    />,
  ),
);
