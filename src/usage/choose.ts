/** Which source speaks for each key and day. Pure. */
import { type CoveredKey, isAnalysed, isOvertaken, type Money } from './coverage.ts';

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
 * One source speaks for each key and day: analytics where there is any, counters otherwise. They are never added. A day that analytics
 * left unfinished is the counters', and what the counters shared out over a gap does not speak where analytics were read.
 */
export function chooseSources<
  C extends Money & { day: string; apiKeyId: number; isEstimated: boolean },
  U extends Money & { day: string; keyId: number; upstreamKeyId: number },
>(keys: readonly CoveredKey[], counters: readonly C[], usage: readonly U[]): { counters: C[]; usage: U[] } {
  const byId = new Map(keys.map((key) => [key.id, key]));
  const counted = byPlace(counters, ({ apiKeyId }) => apiKeyId);
  const chosen = new Map<number, Set<string>>();
  for (const [keyId, days] of sumPlaces(usage)) {
    const key = byId.get(keyId);
    const ofKey = new Set<string>();
    for (const [day, { spent, texts }] of days) {
      if (key && !isOvertaken(day, key, counted.get(keyId)?.get(day) ?? null, spent, texts.length)) ofKey.add(day);
    }
    chosen.set(keyId, ofKey);
  }
  const isSilent = ({ apiKeyId, day, isEstimated }: C): boolean => {
    const key = byId.get(apiKeyId);
    return key === undefined || chosen.get(apiKeyId)?.has(day) === true || (isEstimated && isAnalysed(day, key));
  };
  return {
    counters: counters.filter((row) => !isSilent(row)),
    usage: usage.filter(({ keyId, day }) => chosen.get(keyId)?.has(day) === true),
  };
}
