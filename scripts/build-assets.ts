/** Gathers the static files that the Worker's pages load: our own, and Swagger UI out of its package. */
import { cp, mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const target = join(root, 'dist/assets');
const swaggerUi = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

await rm(target, { recursive: true, force: true });
await mkdir(join(target, 'assets'), { recursive: true });
await cp(join(root, 'src/assets/_headers'), join(target, '_headers'));
for (const file of ['docs.css', 'docs.js', 'icon.svg', 'page.css']) await cp(join(root, 'src/assets', file), join(target, 'assets', file));
for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js', 'LICENSE', 'NOTICE']) {
  await cp(join(swaggerUi, file), join(target, 'assets', file === 'LICENSE' || file === 'NOTICE' ? `swagger-ui-${file}.txt` : file));
}
