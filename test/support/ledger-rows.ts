/** Made-up ledger rows, for properties. */
import fc from 'fast-check';
import { addDays } from '../../src/lib/day.ts';
import { addAmounts, type UsageCell } from '../../src/usage/booking/cells.ts';
import type { CoveredKey } from '../../src/usage/coverage/coverage.ts';
import type { CoveredSecret } from '../../src/usage/coverage/secrets.ts';
import type { Known } from '../../src/usage/coverage/spans.ts';
import { byEach, type LedgerRow, type LedgerRows, type Range } from '../../src/usage/model.ts';
import type { StoredKeyDay, StoredUsage } from '../../src/usage/sources/stored-row.ts';

/** The rows lie in the 21 days from here on. */
export const FIRST = '2026-10-20';
const COUNT = fc.integer({ min: 0, max: 1e12 });

const MODEL = fc.constantFrom('anthropic/claude', 'openai/gpt', null);

/** A row of counters or analytics whose hours hold part of the day's amounts. */
const ROW: fc.Arbitrary<LedgerRow> = fc.constantFrom('counters' as const, 'analytics' as const).chain((source) => {
  const amounts = fc.array(COUNT, source === 'counters' ? { minLength: 2, maxLength: 2 } : { minLength: 7, maxLength: 7 });
  return fc
    .record({
      offset: fc.integer({ min: 0, max: 20 }),
      keyId: fc.integer({ min: 1, max: 3 }),
      hours: fc.dictionary(fc.integer({ min: 0, max: 23 }).map(String), amounts, { maxKeys: 5 }),
      rest: fc.oneof(fc.constant<number[]>([]), amounts),
      isEstimated: fc.boolean(),
      model: MODEL,
      provider: MODEL,
    })
    .map(
      ({ offset, keyId, hours, rest, isEstimated, model, provider }): LedgerRow => ({
        keyId,
        day: addDays(FIRST, offset),
        source,
        model: source === 'counters' ? null : model,
        permaslug: source === 'counters' ? null : model,
        provider: source === 'counters' ? null : provider,
        hours,
        total: Array.from({ length: source === 'counters' ? 2 : 7 }, (_, index) =>
          Object.values(hours).reduce((sum, values) => sum + (values[index] ?? 0), rest[index] ?? 0),
        ),
        isEstimated: source === 'counters' && isEstimated,
      }),
    );
});
export const ROWS = fc.uniqueArray(ROW, {
  maxLength: 30,
  selector: ({ keyId, day, model, provider }) => `${keyId} ${day} ${model} ${provider}`,
});
/** A ledger without sums. */
export const inDetail = (detailed: readonly LedgerRow[]): LedgerRows => ({ detailed, summed: byEach([]) });
export const ZONE = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
export const inZone = (from: string, to: string, tz = 'UTC'): Range => ({ from, to, tz, zone: tz });
export const wide = (tz: string): Range => inZone(addDays(FIRST, -2), addDays(FIRST, 23), tz);

/** A day of an upstream key of which no source says anything. */
export const NO_KEY_DAY: Omit<StoredKeyDay, 'upstreamKeyId' | 'day'> = {
  countedNano: null,
  countedByokNano: null,
  correctionNano: 0,
  correctionByokNano: 0,
  isEstimated: false,
  hours: null,
  reportedNano: null,
  reportedByokNano: null,
  activityNano: null,
  activityByokNano: null,
  source: null,
};
/** What analytics say of a model and provider, as nothing. */
export const NO_USAGE: Omit<StoredUsage, 'upstreamKeyId' | 'day'> = {
  model: '',
  provider: '',
  costNano: 0,
  byokCostNano: 0,
  requests: 0,
  promptTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  cachedTokens: 0,
  hours: null,
};

export const known = (since: string | null, until: string | null): Known | null =>
  since === null || until === null ? null : { since: Date.parse(since), until: Date.parse(until) };
/** A key's present secret: its upstream key has ten times the key's id. */
export const secretOf = (keyId: number, change: Partial<CoveredSecret> = {}): CoveredSecret => ({
  keyId,
  upstreamKeyId: keyId * 10,
  isListed: true,
  counters: null,
  analytics: null,
  isManaged: false,
  isBehind: false,
  isPresent: true,
  ...change,
});
export const key = (id: number, since: string | null, until: string | null, isRead = true): CoveredKey => ({
  id,
  name: `key ${id}`,
  isRead,
  counters: known(since, until),
  analytics: null,
  isUnattributed: false,
  isAccountKnown: false,
  isManaged: false,
  isBehind: false,
  secrets: [secretOf(id, { counters: known(since, until) })],
  isReplaced: false,
  whole: [known(since, until) ?? []].flat(),
  detailed: [],
});

const NAME = fc.constantFrom('a', 'b', 'c');
const AMOUNTS = fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 7, maxLength: 7 });
/** Cells with all their amounts on hours. */
export const cellsIn = (days: readonly string[]): fc.Arbitrary<UsageCell[]> =>
  fc.uniqueArray(
    fc
      .record({
        day: fc.constantFrom(...days),
        model: NAME,
        provider: NAME,
        hours: fc.dictionary(fc.integer({ min: 0, max: 23 }).map(String), AMOUNTS, { minKeys: 1, maxKeys: 3 }),
      })
      .map(
        ({ hours, ...place }): UsageCell => ({
          ...place,
          hours: { ...hours },
          total: Object.values(hours).reduce<(number | null)[]>((sum, amounts) => addAmounts(sum, amounts), []),
        }),
      ),
    { maxLength: 12, selector: ({ day, model, provider }) => `${day} ${model} ${provider}` },
  );
