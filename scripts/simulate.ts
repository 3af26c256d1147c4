/** `npm run simulate`: seeded runs with faults, in plain Node and simulated time (`test/simulation`). */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';
import type * as Simulation from '../test/simulation/run.ts';

const USAGE = 'Usage: npm run simulate -- [--seed N] [--seeds K] [--days D]';
const DEFAULT_DAYS = 3;

function count(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(USAGE);
  process.exit(2);
}

const options = { seed: { type: 'string' }, seeds: { type: 'string' }, days: { type: 'string' } } as const;
const { values } = parseArgs({ options });
const first = count(values.seed, crypto.getRandomValues(new Uint32Array(1))[0] ?? 0);
const seeds = count(values.seeds, 1);
const days = count(values.days, DEFAULT_DAYS);

const { module } = await runnerImport<typeof Simulation>(join(import.meta.dirname, '../test/simulation/run.ts'), {
  configFile: false,
  logLevel: 'error',
});

const startedAt = performance.now();
let failed = 0;
for (let seed = first; seed < first + seeds; seed++) {
  try {
    const { digest, steps } = await module.simulate({ seed, days });
    console.log(`seed ${seed}: ${days} days, ${steps} steps, digest ${digest.slice(0, 16)}`);
  } catch (error) {
    failed += 1;
    console.error(error instanceof Error ? error.message : error);
    console.error(`Repeat it with: npm run simulate -- --seed ${seed} --days ${days}`);
  }
}
const seconds = Math.round((performance.now() - startedAt) / 1000);
console.log(
  `${seeds} ${seeds === 1 ? 'seed' : 'seeds'} of ${days} days in ${seconds} s: ${failed === 0 ? 'every invariant held' : `${failed} failed`}`,
);
process.exit(failed === 0 ? 0 : 1);
