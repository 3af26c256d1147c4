/** The check of layers finds what breaks them. */
import { expect, it } from 'vitest';
import { findBreaches } from '../../scripts/layers.ts';

const breachesOf = (path: string, text: string, others: Record<string, string> = {}) =>
  findBreaches(new Map(Object.entries({ [path]: text, ...others })));

it.each([
  ['src/usage/ledger.ts', "import { addKey } from '../keys/actions.ts';", 'keys does not lie below usage'],
  ['src/dashboard/model.ts', "import { a } from '../key-pages/a.ts';", 'key-pages does not lie below dashboard'],
  ['src/lib/day.ts', "import { sql } from 'drizzle-orm';", '(lib) imports drizzle-orm'],
  ['src/usage/sums/stats.ts', "import { listDays } from '../sources/store.ts';", '(pure) imports src/usage/sources/store.ts (store)'],
  [
    'src/usage/sums/stats.ts',
    "import {\n  type A,\n  listDays,\n} from '../sources/store.ts';",
    '(pure) imports src/usage/sources/store.ts (store)',
  ],
  ['src/keys/store.ts', "import { addKey } from './actions.ts';", '(store) imports src/keys/actions.ts (verb)'],
  ['src/keys/actions.ts', "import type { Deps } from '../deps.ts';\nimport { eq } from 'drizzle-orm';", '(verb) imports drizzle-orm'],
  ['src/keys/api.ts', "import { findKey } from './store.ts';", '(edge) imports src/keys/store.ts (store)'],
  ['src/nowhere/model.ts', '', 'src/nowhere has no place in ROOMS'],
])('%s must not: %s', (path, text, breach) => {
  const others = {
    'src/usage/sources/store.ts': '',
    'src/keys/store.ts': '',
    'src/keys/actions.ts': "import type { Deps } from '../deps.ts';",
  };
  const found = breachesOf(path, text, Object.fromEntries(Object.entries(others).filter(([other]) => other !== path)));
  expect(found.join()).toContain(breach);
});

it.each([
  ['src/keys/actions.ts', "import type { Deps } from '../deps.ts';\nimport { readLedger } from '../usage/ledger.ts';"],
  [
    'src/usage/sums/stats.ts',
    "import type { listDays } from '../sources/store.ts';\nimport { type A, type B } from '../../keys/store.ts';",
  ],
  ['src/charts/stacked.tsx', "import { html } from 'hono/html';"],
])('%s may: %s', (path, text) => {
  expect(breachesOf(path, text, { 'src/usage/sources/store.ts': '', 'src/keys/store.ts': '' })).toEqual([]);
});
