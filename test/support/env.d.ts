declare namespace Cloudflare {
  interface Env {
    /** What vitest.config.ts read from `migrations/`. */
    TEST_MIGRATIONS: import('@cloudflare/vitest-pool-workers').D1Migration[];
    /** Repeats a run of test/scenario/fuzz.test.ts. */
    FUZZ_SEED?: string;
  }
}
