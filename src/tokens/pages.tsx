import * as z from 'zod';
import { Scroll } from '../charts/scroll.tsx';
import { Copyable } from '../http/forms/copyable.tsx';
import { Field, Form } from '../http/forms/fields.tsx';
import { publicOriginOf } from '../http/origin.ts';
import { Frame } from '../http/pages/layout.tsx';
import { createPages, type View } from '../http/pages/page.tsx';
import { formatAgo, formatInstant } from '../lib/format.ts';
import { createToken, getToken, listTokens, revokeToken } from './actions.ts';
import { createTokenSchema, presentToken, type TokenRow } from './model.ts';

export const tokenPages = createPages();
const { page, form } = tokenPages;

const origin = (view: View): string => publicOriginOf(view.c);

const NewToken = ({ view, token }: { view: View; token: string }) => (
  <section class="card fresh">
    <h2>Your new token</h2>
    <p>Copy it now; it won’t be shown again.</p>
    <Copyable id="token" label="Token" text={token} />
    <Copyable id="token-curl" label="Try it" text={`curl -H 'Authorization: Bearer ${token}' '${origin(view)}/api/v1/stats'`} />
  </section>
);

const TokenTable = ({ view, rows }: { view: View; rows: TokenRow[] }) => {
  const zone = view.viewer?.timeZone ?? 'UTC';
  const now = view.deps.now();
  return (
    <Scroll label="Tokens">
      <table class="stacked">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Prefix</th>
            <th scope="col">Created</th>
            <th scope="col">Last used</th>
            <th scope="col">Status</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(presentToken).map((token) => (
            <tr class={token.is_active ? undefined : 'gone'}>
              <th scope="row">{token.name}</th>
              <td>
                <code>{token.prefix}…</code>
              </td>
              <td data-label="Created">{formatInstant(token.created_at, zone)}</td>
              <td data-label="Last used">{formatAgo(token.last_used_at, now)}</td>
              <td class="act">
                {token.is_active ? (
                  <form method="get" action={`/tokens/${token.id}/revoke`}>
                    <button type="submit" class="quiet danger" aria-describedby={`token-${token.id}`}>
                      Revoke
                    </button>
                    <span id={`token-${token.id}`} class="unseen">
                      {token.name}
                    </span>
                  </form>
                ) : (
                  'revoked'
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
};

async function showTokens(view: View) {
  const rows = await listTokens(view.deps, view.actor);
  const secret = view.flash?.secret;
  return (
    <Frame title="Tokens" here="/tokens" view={view}>
      <h1>Tokens</h1>
      <p>
        Read-only tokens for the <a href="/docs">API</a>. Revoking takes effect immediately.
      </p>
      {secret !== undefined && <NewToken view={view} token={secret} />}
      <section class="card">
        <h2>New token</h2>
        <Form action="/tokens" class="line">
          <Field name="name" label="Name" autocomplete="off" hint="Where it is used, for example “grafana”." />
          <button type="submit">Create token</button>
        </Form>
      </section>
      {rows.length > 0 ? <TokenTable view={view} rows={rows} /> : <p class="empty">No tokens yet.</p>}
    </Frame>
  );
}

page('/tokens', 'session', showTokens);

form({
  path: '/tokens',
  access: 'session',
  schema: createTokenSchema,
  kept: ['name'],
  async act({ deps, actor, body }) {
    const { token, name } = await createToken(deps, actor, body);
    return { to: '/tokens', message: `Token “${name}” created.`, secret: token };
  },
  show: showTokens,
});

async function showRevocation(view: View, id: number) {
  const token = await getToken(view.deps, view.actor, id);
  return (
    <Frame title="Revoke a token" here="/tokens" view={view} class="narrow">
      <h1>Revoke “{token.name}”?</h1>
      <p>
        Programs that use the token <code>{token.prefix}…</code> stop working immediately. This cannot be undone.
      </p>
      <Form action={`/tokens/${id}/revoke`} class="choice">
        <button type="submit" class="danger">
          Revoke
        </button>
        <a class="button quiet" href="/tokens">
          Keep it
        </a>
      </Form>
    </Frame>
  );
}

page('/tokens/:id/revoke', 'session', showRevocation);

form({
  path: '/tokens/:id/revoke',
  access: 'session',
  schema: z.object({}),
  async act({ deps, actor, id }) {
    await revokeToken(deps, actor, id);
    return { to: '/tokens', message: 'Token revoked.' };
  },
  show: showRevocation,
});
