/** Checks which file may import which. `npm run check` prints violations. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** From the bottom up: a room imports values only from the rooms before it. Rooms on one line are independent. */
export const ROOMS = [
  ['lib'],
  ['crypto', 'openrouter', 'charts'],
  ['http'],
  ['audit'],
  ['users'],
  ['tokens'],
  ['inventory'],
  ['usage'],
  ['sync'],
  ['keys'],
  ['alerts'],
  ['explore'],
  ['dashboard', 'key-pages'],
  ['rewrap'],
  ['jobs'],
  ['user-data'],
] as const;

type Kind = 'lib' | 'base' | 'pure' | 'table' | 'store' | 'verb' | 'edge';
const PLATFORM = ['hono', 'drizzle-orm', 'cloudflare:'];

const FORBIDDEN: Record<Kind, { kinds: readonly Kind[]; packages: readonly string[] }> = {
  lib: { kinds: ['base', 'pure', 'table', 'store', 'verb', 'edge'], packages: PLATFORM },
  base: { kinds: [], packages: [] },
  pure: { kinds: ['table', 'store', 'verb', 'edge'], packages: PLATFORM },
  table: { kinds: ['store', 'verb', 'edge'], packages: ['hono', 'cloudflare:'] },
  store: { kinds: ['verb', 'edge'], packages: ['hono', 'cloudflare:'] },
  verb: { kinds: ['table', 'edge'], packages: ['hono', 'drizzle-orm', 'cloudflare:'] },
  edge: { kinds: ['table', 'store'], packages: ['drizzle-orm', 'cloudflare:'] },
};

interface Import {
  from: string;
  isType: boolean;
}

const IMPORT = /^(?:import|export) (type )?([^;]*?) from '([^']+)';$/gms;

/** A list of names counts as type import if all of them are marked. */
export function importsOf(path: string, text: string): Import[] {
  return [...text.matchAll(IMPORT)].map(([, type, names = '', specifier = '']) => ({
    from: specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier,
    isType: type !== undefined || /^\{(\s*type [\w ]+,?)+\s*\}$/.test(names),
  }));
}

const roomOf = (path: string): string | null => /^src\/([^/]+)\//.exec(path)?.[1] ?? null;
const rankOf = (room: string): number => ROOMS.findIndex((line) => (line as readonly string[]).includes(room));

/** By folder, then by name, then by whether it imports `Deps`. */
export function kindOf(path: string, imports: readonly Import[]): Kind {
  const room = roomOf(path);
  if (room === 'lib') return 'lib';
  if (room === null) return 'base';
  if (room === 'http' || /\.tsx$|\/api\.ts$/.test(path)) return 'edge';
  if (path.endsWith('/table.ts')) return 'table';
  if (/[/-]store\.ts$/.test(path)) return 'store';
  return imports.some(({ from }) => from === 'src/deps.ts') ? 'verb' : 'pure';
}

export function findBreaches(files: ReadonlyMap<string, string>): string[] {
  const imports = new Map([...files].map(([path, text]) => [path, importsOf(path, text)]));
  const kinds = new Map([...imports].map(([path, of]) => [path, kindOf(path, of)]));
  const breaches = [...files.keys()].map(roomOf).filter((room) => room !== null && rankOf(room) < 0);
  const unknown = [...new Set(breaches)].map((room) => `src/${room} has no place in ROOMS`);
  const ofImports = [...imports].flatMap(([path, all]) =>
    all
      .filter(({ isType }) => !isType)
      .flatMap(({ from }) => {
        const kind = kinds.get(path) ?? 'base';
        const [own, other] = [roomOf(path), roomOf(from)];
        const isUp = own !== null && other !== null && own !== other && rankOf(other) >= rankOf(own);
        const target = kinds.get(from);
        const { kinds: noKinds, packages } = FORBIDDEN[kind];
        return [
          ...(isUp ? [`${path} imports ${from}: ${other} does not lie below ${own}`] : []),
          ...(target && noKinds.includes(target) ? [`${path} (${kind}) imports ${from} (${target})`] : []),
          ...(packages.some((name) => from === name || from.startsWith(`${name}/`) || (name.endsWith(':') && from.startsWith(name)))
            ? [`${path} (${kind}) imports ${from}`]
            : []),
        ];
      }),
  );
  return [...unknown, ...ofImports];
}

if (import.meta.main) {
  const paths = globSync('src/**/*.{ts,tsx}');
  const breaches = findBreaches(new Map(paths.map((path) => [path, readFileSync(path, 'utf8')])));
  for (const breach of breaches) console.error(breach);
  console.log(`${paths.length} files keep their layers${breaches.length > 0 ? `, but for ${breaches.length} imports` : ''}.`);
  process.exitCode = breaches.length > 0 ? 1 : 0;
}
