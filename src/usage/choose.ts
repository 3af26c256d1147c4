/** Which source speaks for each key and day. Pure. */
import { type CoveredKey, isAnalysed, isOvertaken, knowMore, type Money, NOTHING } from './coverage.ts';
import type { Source } from './model.ts';

/** Analytics say nothing. */
const NONE = { spent: NOTHING, texts: 0 };

/** Rows by key and day. */
function byPlace<T extends { day: string }>(rows: readonly T[], keyOf: (row: T) => number): Map<number, Map<string, T>> {
  const places = new Map<number, Map<string, T>>();
  for (const row of rows) {
    const days = places.get(keyOf(row)) ?? new Map<string, T>();
    days.set(row.day, row);
    places.set(keyOf(row), days);
  }
  return places;
}

/** What analytics say of each key and day in all, and which of the key's texts spent. */
function sumPlaces(usage: readonly (Money & { day: string; keyId: number; upstreamKeyId: number })[]) {
  const places = new Map<number, Map<string, { spent: Money; texts: number[] }>>();
  for (const { keyId, day, upstreamKeyId, costNano, byokCostNano } of usage) {
    const days = places.get(keyId) ?? new Map<string, { spent: Money; texts: number[] }>();
    places.set(keyId, days);
    const sum = days.get(day);
    if (!sum) {
      days.set(day, { spent: { costNano, byokCostNano }, texts: [upstreamKeyId] });
      continue;
    }
    sum.spent.costNano += costNano;
    sum.spent.byokCostNano += byokCostNano;
    if (!sum.texts.includes(upstreamKeyId)) sum.texts.push(upstreamKeyId);
  }
  return places;
}

/**
 * Which source speaks for a key's day: analytics where there is any, counters otherwise. A day that analytics left unfinished is the counters',
 * and what the counters shared out over a gap does not speak where analytics were read.
 * @param spent what analytics say in all, and of how many of the key's texts they say something
 * @returns null if neither does
 */
export function sourceOf(
  day: string,
  key: CoveredKey,
  counted: (Money & { isEstimated: boolean }) | null,
  { spent, texts }: { spent: Money; texts: number },
): Source | null {
  if (texts > 0 && !isOvertaken(day, key, counted, spent, texts)) return 'analytics';
  return counted && !(counted.isEstimated && isAnalysed(day, key)) ? 'counters' : null;
}

/** The same where it does not depend on what is known of the key; null where it does. */
export function certainSource(
  counted: (Money & { isEstimated: boolean }) | null,
  { spent, texts }: { spent: Money; texts: number },
): Source | null {
  if (texts > 0) return counted && texts === 1 && knowMore(counted, spent) ? null : 'analytics';
  return counted && !counted.isEstimated ? 'counters' : null;
}

/** The rows of the source that speaks for each key and day (`sourceOf`). They are never added. */
export function chooseSources<
  C extends Money & { day: string; apiKeyId: number; isEstimated: boolean },
  U extends Money & { day: string; keyId: number; upstreamKeyId: number },
>(keys: readonly CoveredKey[], counters: readonly C[], usage: readonly U[]): { counters: C[]; usage: U[] } {
  const byId = new Map(keys.map((key) => [key.id, key]));
  const counted = byPlace(counters, ({ apiKeyId }) => apiKeyId);
  const analysed = sumPlaces(usage);
  const sourceAt = (keyId: number, day: string): Source | null => {
    const [key, of] = [byId.get(keyId), analysed.get(keyId)?.get(day)];
    return key === undefined
      ? null
      : sourceOf(day, key, counted.get(keyId)?.get(day) ?? null, of ? { spent: of.spent, texts: of.texts.length } : NONE);
  };
  const places = new Map<number, Map<string, Source | null>>();
  const chosenAt = (keyId: number, day: string): Source | null => {
    const days = places.get(keyId) ?? new Map<string, Source | null>();
    places.set(keyId, days);
    const known = days.get(day);
    if (known !== undefined) return known;
    const source = sourceAt(keyId, day);
    days.set(day, source);
    return source;
  };
  return {
    counters: counters.filter(({ apiKeyId, day }) => chosenAt(apiKeyId, day) === 'counters'),
    usage: usage.filter(({ keyId, day }) => chosenAt(keyId, day) === 'analytics'),
  };
}
