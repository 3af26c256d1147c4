import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';
import { runtimeCpuSeconds } from './runtime-cpu.ts';

/** Secrets of the measurements. One encryption key, as a deployment has that does not rotate. */
const SECRETS = {
  JWT_SECRET: 'bench-0123456789-abcdefghijklmnopqrstuvwxyz',
  ENCRYPTION_KEYS: 'bench1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
  REGISTRATION: 'open',
};

for (const [name, value] of Object.entries(SECRETS)) process.env[name] ??= value;

/** Measurements in the local runtime, whose D1 counts rows as Cloudflare's does: `npx vitest run --config bench/workerd.config.ts`. */
export default defineConfig(async () => ({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        bindings: { ...SECRETS, TEST_MIGRATIONS: await readD1Migrations('migrations') },
        // What runs in the runtime can reach nobody but this, which tells the runtime's own CPU.
        outboundService: () => Response.json(runtimeCpuSeconds()),
      },
    }),
  ],
  test: {
    include: ['bench/**/*.workerd.ts'],
    setupFiles: ['test/support/migrate.ts', 'test/support/no-console-error.ts'],
    fileParallelism: false,
    testTimeout: 900_000,
    disableConsoleIntercept: true,
  },
}));
