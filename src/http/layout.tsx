/** The frame of every page: no inline script or style, nothing from another host. */
import { raw } from 'hono/html';
import type { PropsWithChildren } from 'hono/jsx';

interface LayoutProps {
  title: string;
  styles?: string[];
  scripts?: string[];
}

export const Layout = ({ title, styles = ['/assets/page.css'], scripts = [], children }: PropsWithChildren<LayoutProps>) => (
  <>
    {raw('<!doctype html>')}
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="same-origin" />
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <title>{`${title} · OpenRouter Monitor`}</title>
        {styles.map((href) => (
          <link rel="stylesheet" href={href} />
        ))}
      </head>
      <body>
        {children}
        {scripts.map((src) => (
          <script src={src} defer />
        ))}
      </body>
    </html>
  </>
);
