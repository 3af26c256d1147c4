/** What the documents name is there, and what there is they name. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'smol-toml';
import { expect, it } from 'vitest';
import { roomApis } from '../../src/apis.ts';
import { createDocsApi } from '../../src/http/docs/docs.ts';
import { describeRoutes } from '../../src/http/docs/openapi.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const pages = [...globSync('*.md'), ...globSync('docs/**/*.md')].map((path) => ({ path, text: read(path) }));
const README = read('README.md');
const matchesOf = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = '']) => found);

it('names the scripts of package.json, each of them', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = pages.flatMap(({ path, text }) => matchesOf(text, /npm run ([a-z-]+)/g).map((script) => ({ path, script })));
  expect(named.filter(({ script }) => !Object.hasOwn(scripts, script))).toEqual([]);
  const shown = new Set([...named.map(({ script }) => script), 'start', 'test']);
  expect(Object.keys(scripts).filter((script) => !shown.has(script))).toEqual([]);
});

it('names every variable with its default', () => {
  const { vars, secrets } = parse(read('wrangler.toml')) as { vars: Record<string, string>; secrets: { required: string[] } };
  const rows = new Map(
    [...README.matchAll(/^\| `([A-Z_]+)`(?: \(secret\))? +\| ([^|]*) \|/gm)].map(([, name, value = '']) => [
      name,
      value.trim().replaceAll('`', ''),
    ]),
  );
  const parsed = matchesOf(read('src/config.ts'), /^ {4}([A-Z][A-Z_]+): /gm);
  expect([...rows.keys()].toSorted()).toEqual(parsed.toSorted());
  expect(parsed).toEqual(expect.arrayContaining([...Object.keys(vars), ...secrets.required]));
  for (const name of parsed) expect([name, rows.get(name)]).toEqual([name, vars[name] ?? '']);
});

it('names calls that the API has, with its methods', () => {
  const { paths } = describeRoutes([...roomApis, createDocsApi(() => '')].flatMap(({ descriptions }) => descriptions)) as {
    paths: Record<string, Record<string, object>>;
  };
  const known = Object.entries(paths).map(([path, operations]) => ({
    pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
    operations,
  }));
  const isCall = (path: string, method?: string): boolean =>
    known.some(
      ({ pattern, operations }) => pattern.test(path) && (method === undefined || Object.hasOwn(operations, method.toLowerCase())),
    );
  const calls = pages.flatMap(({ text }) => [
    ...[...text.matchAll(/`(?:(GET|POST|PATCH|PUT|DELETE) )?(\/(?:api|health|openapi)[^\s`?]*)/g)].map(([, method, path = '']) => ({
      method,
      path,
    })),
    ...[...text.matchAll(/curl (.*?)"?\$url(\/[^\s"?]+)(.*?)(?=\n#|\ncurl|\n```|\n\n)/gs)].map(
      ([, before = '', path = '', after = '']) => ({
        method: /-X (\w+)/.exec(before)?.[1] ?? (/ -d /.test(after) ? 'POST' : 'GET'),
        path,
      }),
    ),
  ]);
  expect(calls.length).toBeGreaterThan(20);
  const elsewhere = ['/cdn-cgi/handler/scheduled', '/api', '/api/v1', '/api/v1/*'];
  expect(calls.filter(({ method, path }) => !elsewhere.includes(path) && !isCall(path, method))).toEqual([]);
});

it('links to files that there are', () => {
  const links = pages.flatMap(({ path, text }) =>
    [...matchesOf(text, /\]\(([^)#:\s]+)(?:#[^)]*)?\)/g), ...matchesOf(text, /(?:src|srcset)="([^":]+)"/g)].map((link) =>
      join(dirname(path), link),
    ),
  );
  expect(links.length).toBeGreaterThan(5);
  expect(links.filter((link) => !existsSync(link))).toEqual([]);
});
