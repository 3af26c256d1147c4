import { Layout } from '../pages/layout.tsx';

export const DocsPage = () => (
  <Layout title="API reference" styles={['swagger-ui.css', 'docs.css']} scripts={['swagger-ui-bundle.js', 'docs.js']}>
    <div id="swagger-ui">
      <noscript>
        The interactive reference needs JavaScript. The document itself is <a href="/openapi.json">openapi.json</a>.
      </noscript>
    </div>
  </Layout>
);
