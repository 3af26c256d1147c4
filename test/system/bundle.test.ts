/** What a deployment uploads: docs/decisions/0003 says what it is made of. */
import { expect, it } from 'vitest';
import { buildBundle } from '../../scripts/bundle.ts';

const BUDGET_BYTES = 300_000;

it('keeps the bundle within its budget', async () => {
  expect((await buildBundle()).gzipBytes).toBeLessThanOrEqual(BUDGET_BYTES);
});
