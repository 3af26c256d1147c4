/** An error in the log fails a test, unless the test expects it. */
import { afterEach, beforeEach, expect, vi } from 'vitest';

const errors: string[] = [];

/** The errors that were logged so far in this test; they no longer fail it. */
export const takeLoggedErrors = (): string[] => errors.splice(0);

beforeEach(() => {
  errors.length = 0;
  vi.spyOn(console, 'error').mockImplementation((...parts: unknown[]) => {
    errors.push(parts.map(String).join(' '));
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  expect(takeLoggedErrors(), 'errors in the log').toEqual([]);
});
