/** What the documents name is there, and what there is they name. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { PAGE, withTable } from '../../bench/table.ts';
import { roomApis } from '../../src/apis.ts';
import { createDocsApi } from '../../src/http/docs/docs.ts';
import { describeRoutes } from '../../src/http/docs/openapi.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const toPages = (patterns: string[]) => patterns.flatMap((pattern) => globSync(pattern)).map((path) => ({ path, text: read(path) }));
const documents = toPages(['*.md', 'docs/**/*.md']);
/** With what people read when they report or propose something. */
const pages = [...documents, ...toPages(['.github/**/*.md', '.github/**/*.yml'])];
const matchesOf = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = '']) => found);
/** The first column of a document's tables, where it is code. */
const firstColumn = (path: string): string[] => matchesOf(read(path), /^\| `([^`]+)`/gm);

const { scripts, license, version, devDependencies } = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>;
  license: string;
  version: string;
  devDependencies: Record<string, string>;
};
const wrangler = parse(read('wrangler.toml')) as {
  vars: Record<string, string>;
  secrets: { required: string[] };
  triggers: { crons: string[] };
};
const { paths, components } = describeRoutes([...roomApis, createDocsApi(() => '')].flatMap(({ descriptions }) => descriptions)) as {
  paths: Record<string, Record<string, { responses: object }>>;
  components: { schemas: Record<string, { properties: Record<string, { enum?: string[] }> }> };
};
const kindsOf = (schema: string): string[] => components.schemas[schema]?.properties['type']?.enum ?? [];

it('are short at the entrance', () => {
  expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(200);
});

describe('commands', () => {
  it('are scripts of package.json, each of them', () => {
    const named = pages.flatMap(({ path, text }) => matchesOf(text, /npm run ([a-z-]+)/g).map((script) => ({ path, script })));
    expect(named.filter(({ script }) => !Object.hasOwn(scripts, script))).toEqual([]);
    const shown = new Set([...named.map(({ script }) => script), 'start', 'test']);
    expect(Object.keys(scripts).filter((script) => !shown.has(script))).toEqual([]);
  });

  it('run files that there are', () => {
    const files = pages.flatMap(({ path, text }) =>
      [...matchesOf(text, /(?:node|bash) ((?:bench|scripts|\.ci)\/[\w./-]*\w)/g), ...matchesOf(text, /--config ([\w./-]+\.ts)/g)].map(
        (file) => ({ path, file }),
      ),
    );
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter(({ file }) => !existsSync(file))).toEqual([]);
  });

  it('name the database and the queues as wrangler.toml does', () => {
    const names = pages.flatMap(({ text }) => [
      ...matchesOf(text, /wrangler d1 (?:export|execute|create|time-travel \w+) (\S+)/g),
      ...matchesOf(text, /queue `([^`]+)`/g),
    ]);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !read('wrangler.toml').includes(`"${name}"`))).toEqual([]);
  });
});

it('names every variable with its default', () => {
  const rows = new Map(
    [...read('docs/configuration.md').matchAll(/^\| `([A-Z_]+)`(?: \(secret\))? +\| ([^|]*) \|/gm)].map(([, name, value = '']) => [
      name,
      value.trim().replaceAll('`', ''),
    ]),
  );
  const { vars, secrets } = wrangler;
  const parsed = matchesOf(read('src/config.ts'), /^ {4}([A-Z][A-Z_]+): /gm);
  expect([...rows.keys()].toSorted()).toEqual(parsed.toSorted());
  expect(parsed).toEqual(expect.arrayContaining([...Object.keys(vars), ...secrets.required]));
  for (const name of parsed) expect([name, rows.get(name)]).toEqual([name, vars[name] ?? '']);
});

describe('the API', () => {
  it('has the calls that are named, with their methods', () => {
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

  it('answers with the statuses that its guide explains, and no others', () => {
    const answered = Object.values(paths).flatMap((operations) =>
      Object.values(operations).flatMap(({ responses }) => Object.keys(responses)),
    );
    const failures = new Set(answered.filter((status) => Number(status) >= 400));
    // What concerns every route alike stands in none.
    for (const status of ['405', '500']) failures.add(status);
    const explained = matchesOf(read('docs/api.md'), /^\| (\d{3}(?:, \d{3})*) /gm).flatMap((cell) => cell.split(', '));
    expect(explained.toSorted()).toEqual([...failures].toSorted());
  });

  it('has the types of rules and channels that the page of alerts lists', () => {
    const listed = firstColumn('docs/alerts.md');
    const types = [...kindsOf('AlertRule'), ...kindsOf('Channel')];
    expect(types.length).toBeGreaterThan(10);
    expect(types.filter((type) => !listed.includes(type))).toEqual([]);
    expect(listed.filter((type) => ![...types, 'dry_run', 'disable', 'limit'].includes(type))).toEqual([]);
  });
});

describe('the page of operations', () => {
  it('lists the crons of wrangler.toml', () => {
    expect(firstColumn('docs/operations.md').filter((name) => / /.test(name))).toEqual(wrangler.triggers.crons);
  });

  it('lists events that the Worker logs', () => {
    const code = globSync('src/**/*.ts').map(read).join('\n');
    const events = firstColumn('docs/operations.md').filter((name) => /^[a-z_]+$/.test(name));
    expect(events.length).toBeGreaterThan(3);
    expect(events.filter((event) => !code.includes(`logError('${event}'`))).toEqual([]);
  });
});

describe('links', () => {
  /** As GitHub names the anchor of a heading. */
  const anchorsOf = (text: string): string[] =>
    matchesOf(text.replaceAll(/^```[\s\S]*?^```/gm, ''), /^#+ (.+)$/gm).map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    );
  const links = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)#:\s]*)(?:#([^)]*))?\)/g)].map(([, file = '', anchor]) => ({
      from: path,
      to: file === '' ? path : join(dirname(path), file),
      anchor,
    })),
  );
  const pictures = documents.flatMap(({ path, text }) =>
    matchesOf(text, /(?:src|srcset)="([^":]+)"/g).map((file) => join(dirname(path), file)),
  );

  it('lead to files that there are, and to headings in them', () => {
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter(({ to }) => !existsSync(to))).toEqual([]);
    const anchored = links.filter(({ anchor }) => anchor !== undefined);
    expect(anchored.length).toBeGreaterThan(10);
    expect(anchored.filter(({ to, anchor = '' }) => !anchorsOf(read(to)).includes(anchor))).toEqual([]);
  });

  it('show every picture, and only those that there are', () => {
    expect([...new Set(pictures)].toSorted()).toEqual(globSync('docs/*.png').toSorted());
  });

  it('of the index and of README lead to every document', () => {
    for (const index of ['docs/README.md', 'README.md']) {
      const reached = new Set(links.filter(({ from }) => from === index).map(({ to }) => to));
      const wanted = [...globSync('*.md'), ...globSync('docs/*.md'), 'docs/decisions'].filter((path) => path !== index);
      expect([index, wanted.filter((path) => !reached.has(path))]).toEqual([index, []]);
    }
  });
});

describe('benchmarks', () => {
  it('have a place on their page for each table that is written, and nowhere else', () => {
    const written = globSync('bench/*.ts').flatMap((path) => matchesOf(read(path), /writeTable\(\s*'([\w-]+)'/g));
    const places = documents.flatMap(({ path, text }) => matchesOf(text, /<!-- bench:([\w-]+) -->/g).map((name) => [path, name]));
    expect(written.length).toBeGreaterThan(3);
    expect(places.toSorted()).toEqual(written.map((name) => [PAGE, name]).toSorted());
    const page = read(PAGE);
    for (const name of written)
      expect(withTable(page, name, '| $& |')).toContain(`<!-- bench:${name} -->\n\n| $& |\n\n<!-- /bench:${name} -->`);
    expect(() => withTable(page, 'nothing', '')).toThrow('no place for the table "nothing"');
  });
});

describe('the project', () => {
  it('says under which license it is, and what changed in its version', () => {
    expect([license, read('LICENSE').split('\n')[0]]).toEqual(['MIT', 'MIT License']);
    const sections = matchesOf(read('CHANGELOG.md'), /^## \[([^\]]+)\]/gm);
    expect([sections[0], sections[1]]).toEqual(['Unreleased', version]);
  });

  it('is checked by continuous integration as on any machine, on its own Node', () => {
    const { jobs } = parseYaml(read('.github/workflows/ci.yml')) as {
      jobs: { test: { steps: { run?: string; with?: Record<string, unknown> }[] } };
    };
    const { steps } = jobs.test;
    expect(steps.at(-1)?.run).toBe('bash .ci/run');
    const [node] = steps.flatMap((step) => step.with?.['node-version'] ?? []);
    expect(String(node)).toBe(devDependencies['node']?.split('.')[0]);
  });

  it('asks in its forms for what it needs', () => {
    const forms = globSync('.github/ISSUE_TEMPLATE/*.yml');
    expect(forms.map((path) => basename(path)).toSorted()).toEqual(['bug.yml', 'feature.yml']);
    for (const path of forms) {
      const { name, description, body } = parseYaml(read(path)) as { name: string; description: string; body: { type: string }[] };
      expect([name, description].every((text) => text.length > 0)).toBe(true);
      expect(body.some(({ type }) => type === 'textarea')).toBe(true);
    }
  });
});
