/** What a deployment uploads: docs/decisions/0003 says what it is made of. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bundle, buildBundle } from '../../scripts/bundle.ts';

const BUDGET_BYTES = 300_000;

/** Parts of libraries that wrangler.toml's aliases keep out. */
const LEFT_OUT =
  /hono\/dist\/(jsx\/dom\/render|utils\/mount)|zod\/.*json-schema|zod\/v4\/locales\/(?!en\.)|drizzle-orm\/(pg-core|relations)/;
/** What makes the API document, which the build does. */
const OF_THE_DOCUMENT = /^src\/(http\/openapi|\w+\/answers)\.ts$/;

let bundle: Bundle;

beforeAll(async () => {
  bundle = await buildBundle();
});

describe('the bundle', () => {
  it('stays within its budget', () => {
    expect(bundle.gzipBytes).toBeLessThanOrEqual(BUDGET_BYTES);
  });

  it('holds nothing that makes the API document, and no part of a library that is left out', () => {
    expect(bundle.modules).toContain('src/worker.ts');
    expect(bundle.modules.filter((path) => OF_THE_DOCUMENT.test(path) || LEFT_OUT.test(path))).toEqual([]);
  });
});
