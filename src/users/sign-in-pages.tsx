import * as z from 'zod';
import type { Actor } from '../actor.ts';
import type { Deps } from '../deps.ts';
import { fail } from '../errors.ts';
import { areCookiesDropped, readKnownBrowser, writeKnownBrowser } from '../http/cookies.ts';
import { Field, Form } from '../http/forms/fields.tsx';
import { Frame } from '../http/pages/layout.tsx';
import { createPages, type View } from '../http/pages/page.tsx';
import { localPath } from '../lib/local-path.ts';
import { resetPassword, signInBrowser, signOut, signUp } from './actions.ts';
import { loginSchema, resetPasswordSchema, signUpSchema } from './model.ts';

export const signInPages = createPages();
const { page, form } = signInPages;

const HOME = '/dashboard';

/** The session that a browser had ends when another begins. */
const leave = async (deps: Deps, actor: Actor): Promise<void> => (actor.kind === 'user' ? signOut(deps, actor) : undefined);

const NEEDS_HTTPS =
  'Signing in needs https: over plain http your browser does not keep the session. Open this monitor at an https address.';

const HttpsNotice = ({ view: { c, failure } }: { view: View }) =>
  failure === null && areCookiesDropped(c) ? (
    <p class="notice failed" role="alert">
      {NEEDS_HTTPS}
    </p>
  ) : null;

/** The browser would drop the session cookie, so nothing is done. */
function requireCookies(c: View['c']): void {
  if (areCookiesDropped(c)) fail({ kind: 'bad_request', detail: NEEDS_HTTPS });
}

const SignInForm = ({ view, next }: { view: View; next: string }) => (
  <Form action="/login">
    <HttpsNotice view={view} />
    <input type="hidden" name="next" value={view.failure?.values['next'] ?? next} />
    <Field name="email" label="Email" type="email" autocomplete="username" />
    <Field name="password" label="Password" type="password" autocomplete="current-password" />
    <button type="submit">Sign in</button>
  </Form>
);

const WhereToRegister = ({ isOpen }: { isOpen: boolean }) =>
  isOpen ? (
    <p>
      New here? <a href="/register">Create an account</a>.
    </p>
  ) : (
    <p class="hint">Registration is by invitation.</p>
  );

const Start = ({ view }: { view: View }) => (
  <Frame title="What your OpenRouter keys spend" here="/" view={view} class="landing">
    <section>
      <h1>Know what your OpenRouter keys spend</h1>
      <p class="lead">
        A self-hosted monitor: it syncs your keys every hour and keeps the history that OpenRouter drops after 31 days, exact to the
        nano-dollar.
      </p>
      <ul class="promises">
        <li>Spend by key, model and provider, by hour and in your time zone</li>
        <li>Several OpenRouter accounts in one place, with balances and limits</li>
        <li>Keys encrypted at rest and never shown again</li>
        <li>CSV, JSON and an HTTP API for your own programs</li>
      </ul>
    </section>
    <section class="card">
      <h2>Sign in</h2>
      <SignInForm view={view} next={HOME} />
      <WhereToRegister isOpen={view.deps.config.registration === 'open'} />
    </section>
  </Frame>
);

page('/', 'public', (view) => (view.viewer ? view.c.redirect(HOME, 303) : <Start view={view} />));

const SignIn = ({ view }: { view: View }) => (
  <Frame title="Sign in" here="/login" view={view} class="narrow">
    <h1>Sign in</h1>
    <SignInForm view={view} next={localPath(view.c.req.query('next') ?? '') ?? HOME} />
    <WhereToRegister isOpen={view.deps.config.registration === 'open'} />
  </Frame>
);

page('/login', 'public', (view) => (view.viewer ? view.c.redirect(HOME, 303) : <SignIn view={view} />));

form({
  path: '/login',
  access: 'public',
  throttle: 'login',
  schema: loginSchema.extend({ next: z.string().optional() }),
  kept: ['email', 'next'],
  async act({ c, deps, actor, body: { next, ...credentials } }) {
    requireCookies(c);
    const { session, browser } = await signInBrowser(deps, credentials, await readKnownBrowser(c));
    await writeKnownBrowser(c, browser);
    await leave(deps, actor);
    return { to: localPath(next ?? '') ?? HOME, session: { userId: 0, ...session } };
  },
  show: (view) => <SignIn view={view} />,
});

form({
  path: '/logout',
  access: 'session',
  schema: z.object({}),
  async act({ deps, actor }) {
    await signOut(deps, actor);
    return { to: '/', message: 'You are signed out.', session: null };
  },
  show: () => fail({ kind: 'internal', detail: 'Signing out failed.' }),
});

const Register = ({ view }: { view: View }) => {
  const { c, deps, failure } = view;
  const invite = failure?.values['invite'] ?? c.req.query('invite');
  const isPossible = deps.config.registration === 'open' || invite !== undefined;
  return (
    <Frame title="Create your account" here="/register" view={view} class="narrow">
      <h1>Create your account</h1>
      {isPossible ? (
        <Form action="/register">
          <HttpsNotice view={view} />
          {invite !== undefined && <input type="hidden" name="invite" value={invite} />}
          <input type="hidden" name="time_zone" value="" data-time-zone />
          <Field name="email" label="Email" type="email" autocomplete="username" />
          <Field name="password" label="Password" type="password" autocomplete="new-password" hint="At least 12 characters." />
          <button type="submit">Create account</button>
        </Form>
      ) : (
        <p>Registration is by invitation. Open your invitation link, or ask the operator of this monitor for one.</p>
      )}
      <p>
        Already have an account? <a href="/login">Sign in</a>.
      </p>
    </Frame>
  );
};

page('/register', 'public', (view) => <Register view={view} />);

form({
  path: '/register',
  access: 'public',
  throttle: 'register',
  schema: signUpSchema,
  kept: ['email', 'invite', 'time_zone'],
  async act({ c, deps, actor, body }) {
    requireCookies(c);
    const { userId, session, browser } = await signUp(deps, body);
    await writeKnownBrowser(c, browser);
    await leave(deps, actor);
    return { to: HOME, message: 'Your account is ready. Add a key to begin.', session: { userId, ...session } };
  },
  show: (view) => <Register view={view} />,
});

const ResetPassword = ({ view }: { view: View }) => (
  <Frame title="Set a new password" here="/reset-password" view={view} class="narrow">
    <h1>Set a new password</h1>
    <p>This signs you out everywhere.</p>
    <Form action="/reset-password">
      <input type="hidden" name="token" value={view.failure?.values['token'] ?? view.c.req.query('token') ?? ''} />
      <Field name="new_password" label="New password" type="password" autocomplete="new-password" hint="At least 12 characters." />
      <button type="submit">Set password</button>
    </Form>
  </Frame>
);

page('/reset-password', 'public', (view) => <ResetPassword view={view} />);

form({
  path: '/reset-password',
  access: 'public',
  throttle: 'reset-password',
  schema: resetPasswordSchema,
  kept: ['token'],
  async act({ deps, body }) {
    await resetPassword(deps, body);
    return { to: '/login', message: 'Password set. Sign in with it.', session: null };
  },
  show: (view) => <ResetPassword view={view} />,
});
