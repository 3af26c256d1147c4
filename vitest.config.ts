import { join } from 'node:path';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';

/** What stands for workerd's modules in scenarios. */
const NODE_WORKERS = join(import.meta.dirname, 'test/support/node-workers.ts');

/** Secrets of the tests. Nothing else uses them. */
const TEST_SECRETS = {
  JWT_SECRET: 'vitest-0123456789-abcdefghijklmnopqrstuvwxyz',
  ENCRYPTION_KEYS: 'test1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,test0:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=',
  REGISTRATION: 'open',
};

// wrangler looks for required secrets where a deployment has them, and warns if there are none.
for (const [name, value] of Object.entries(TEST_SECRETS)) process.env[name] ??= value;

/** Repeats a run of test/scenario/fuzz.test.ts. */
const { FUZZ_SEED } = process.env;

/** Scenarios that run in workerd too, so that it is seen to answer as plain Node does. */
const SMOKES = ['account', 'channels', 'jobs', 'keys', 'preview', 'tokens', 'usage'].map((name) => `test/scenario/${name}.test.ts`);

export default defineConfig(async () => {
  const migrations = await readD1Migrations('migrations');
  return {
    test: {
      // On a machine of two cores one worker, the default, would leave one of them idle.
      maxWorkers: '100%',
      coverage: {
        provider: 'istanbul' as const,
        include: ['src/**/*.{ts,tsx}'],
        thresholds: { lines: 90, statements: 90, functions: 90, branches: 90 },
        reporter: ['text-summary', 'json-summary', 'html'],
      },
      projects: [
        {
          test: {
            name: 'pure',
            include: ['test/pure/**/*.test.{ts,tsx}'],
            environment: 'node',
            isolate: false,
            testTimeout: 30_000,
            setupFiles: ['test/support/no-console-error.ts'],
          },
        },
        {
          resolve: { alias: { 'cloudflare:workers': NODE_WORKERS, 'cloudflare:test': NODE_WORKERS } },
          test: {
            name: 'scenario',
            include: ['test/scenario/**/*.test.ts'],
            environment: 'node',
            isolate: false,
            setupFiles: ['test/support/start-anew.ts', 'test/support/no-console-error.ts'],
            testTimeout: 60_000,
          },
        },
        {
          test: {
            name: 'browser',
            include: ['test/browser/**/*.test.ts'],
            environment: 'node',
            testTimeout: 240_000,
            hookTimeout: 120_000,
          },
        },
        {
          test: {
            name: 'system',
            include: ['test/system/**/*.test.ts'],
            environment: 'node',
            testTimeout: 120_000,
            hookTimeout: 120_000,
          },
        },
        {
          plugins: [
            cloudflareTest({
              wrangler: { configPath: './wrangler.toml' },
              miniflare: {
                bindings: { ...TEST_SECRETS, TEST_MIGRATIONS: migrations, ...(FUZZ_SEED && { FUZZ_SEED }) },
                outboundService: () => new Response('tests reach nobody', { status: 599 }),
              },
            }),
          ],
          test: {
            name: 'worker',
            include: ['test/worker/**/*.test.ts', ...SMOKES],
            setupFiles: ['test/support/migrate.ts', 'test/support/no-console-error.ts'],
            testTimeout: 60_000,
          },
        },
      ],
    },
  };
});
