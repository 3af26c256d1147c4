/** The frame of every page: no inline scripts or styles, nothing from other hosts. */
import { raw } from 'hono/html';
import type { PropsWithChildren } from 'hono/jsx';
import type { Viewer } from '../context.ts';
import type { Flash } from '../cookies.ts';
import { PageContext } from '../forms/form-context.ts';
import { type FailureReport, type FormFailure, reportFailure } from '../forms/form-failure.ts';
import { type AssetName, assetUrl } from './asset.ts';
import type { View } from './page.tsx';

interface LayoutProps {
  title: string;
  styles?: AssetName[];
  scripts?: AssetName[];
}

export const Layout = ({ title, styles = ['page.css'], scripts = ['page.js'], children }: PropsWithChildren<LayoutProps>) => (
  <>
    {raw('<!doctype html>')}
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · OpenRouter Monitor`}</title>
        <link rel="icon" href={assetUrl('icon.svg')} type="image/svg+xml" />
        {styles.map((name) => (
          <link rel="stylesheet" href={assetUrl(name)} />
        ))}
        {scripts.map((name) => (
          <script src={assetUrl(name)} defer />
        ))}
      </head>
      <body>{children}</body>
    </html>
  </>
);

const PLACES = [
  ['/dashboard', 'Dashboard'],
  ['/explore', 'Explore'],
  ['/keys', 'Keys'],
  ['/alerts', 'Alerts'],
  ['/tokens', 'Tokens'],
  ['/account', 'Account'],
] as const;

const Navigation = ({ here }: { here: string }) => (
  <nav aria-label="Main">
    <ul>
      {PLACES.map(([path, name]) => (
        <li>
          <a href={path} aria-current={here === path ? 'page' : here.startsWith(`${path}/`) ? 'true' : undefined}>
            {name}
          </a>
        </li>
      ))}
    </ul>
  </nav>
);

const Message = ({ flash }: { flash: Flash }) => (
  <p class={`notice ${flash.kind}`} role={flash.kind === 'failed' ? 'alert' : 'status'}>
    {flash.text}
  </p>
);

const headingOf = (count: number): string => (count === 1 ? 'Check 1 field' : `Check ${count} fields`);

/** Lists wrong fields as links. It has the focus where the page shows none of them. */
const Summary = ({ failure: { detail, note }, report: { fields, focus } }: { failure: FormFailure; report: FailureReport }) => (
  <div class="notice failed" role="alert" {...(focus === null && { tabindex: -1, autofocus: true })}>
    <h2>{detail === null ? headingOf(fields.length) : focus === null ? detail : <a href={`#${focus}`}>{detail}</a>}</h2>
    {fields.length > 0 && (
      <ul>
        {fields.map(({ id, text }) => (
          <li>{id === null ? text : <a href={`#${id}`}>{text}</a>}</li>
        ))}
      </ul>
    )}
    {note !== undefined && <p>{note}</p>}
  </div>
);

const Header = ({ here, viewer }: { here: string; viewer: Viewer | null }) => (
  <header class="site">
    <a class="brand" href={viewer ? '/dashboard' : '/'}>
      <img src={assetUrl('icon.svg')} alt="" width="24" height="24" />
      OpenRouter Monitor
    </a>
    {viewer ? (
      <>
        <Navigation here={here} />
        <form method="post" action="/logout" class="who">
          <span class="mail" title={viewer.email}>
            {viewer.email}
          </span>
          <button type="submit" class="quiet">
            Sign out
          </button>
        </form>
      </>
    ) : (
      <nav aria-label="Main">
        <ul>
          <li>
            <a href="/login" aria-current={here === '/login' ? 'page' : undefined}>
              Sign in
            </a>
          </li>
        </ul>
      </nav>
    )}
  </header>
);

interface FrameProps {
  title: string;
  here: string;
  view: Pick<View, 'viewer' | 'flash' | 'draft' | 'failure'>;
  class?: string;
}

/** Renders the content first, since its forms report their errors to the frame. Nothing in it may be asynchronous. */
export function Frame({ title, here, view: { viewer, flash, draft, failure }, children, ...rest }: PropsWithChildren<FrameProps>) {
  const state = { draft, failure, report: null as FailureReport | null };
  const content = PageContext.Provider({ value: state, children: <>{children}</> });
  return (
    <Layout title={failure ? `Error: ${title}` : title}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header here={here} viewer={viewer} />
      <main id="main" tabindex={-1} {...rest}>
        {flash && <Message flash={flash} />}
        {failure && <Summary failure={failure} report={state.report ?? reportFailure(failure, [], null)} />}
        {content}
      </main>
      <footer class="site">
        <a href="/docs">API reference</a>
        <a href="/health">Health</a>
      </footer>
    </Layout>
  );
}
