/** Spend for rules and pages, in nano-dollars, by local day or hour, and compared with earlier times of the same keys. Pure. */
import { addDays, DAY_MS, dayOf, HOUR_MS, startOfDay } from '../../lib/day.ts';
import { remember } from '../../lib/remember.ts';
import { localDayOf, startOfLocalDay } from '../../lib/zone.ts';
import { type CoveredKey, isWhole, spansOf } from '../../usage/coverage/coverage.ts';
import { type Known, overlaps } from '../../usage/coverage/spans.ts';
import type { Fact } from '../../usage/model.ts';
import type { Counts } from '../model.ts';

/** `key_id` null: all keys. Many rules have this shape. */
export interface SpendQuery {
  key_id: number | null;
  counts: Counts;
}

/** Local, inclusive. */
export interface Days {
  from: string;
  to: string;
}

/** `before` omits times at which not all of the keys were known. */
export interface Compared {
  spent: number;
  before: number[];
}

export interface Spend {
  /** Null: unknown. */
  ofDays(asked: SpendQuery, from: string, to: string): number | null;
  /** False: the known spend is a lower bound. */
  isComplete(keyId: number | null, from: string, to: string): boolean;
  /** False: spend up to now is partly unknown. */
  isCurrent(keyId: number): boolean;
  /** Null: unknown. */
  dayBeside(asked: SpendQuery, day: string, others: readonly string[]): Compared | null;
  /** `at`: start of the hour. Null: unknown. */
  hourBeside(asked: SpendQuery, at: number, others: readonly number[]): Compared | null;
  /** Null: not all keys involved are known in both ranges. */
  daysBeside(asked: SpendQuery, days: Days, before: Days): { spent: number; before: number } | null;
  /** OpenRouter's counters then cover the current secret only. */
  isReplaced(keyId: number): boolean;
  /** Recent spend per day; null: too few days known. */
  paceOf(keyIds: readonly number[] | null, counts: Counts, today: string): number | null;
  /** False: the pace is a lower bound. */
  isPaceComplete(keyIds: readonly number[] | null, today: string): boolean;
}

type Money = [credits: number, byok: number];

interface Sums {
  days: Map<string, Money>;
  hours: Map<number, Money>;
  /** Days with spend of unknown hour. */
  unplaced: Set<string>;
}

const addAt = <K>(sums: Map<K, Money>, name: K, [credits, byok]: Money): void => {
  const sum = sums.get(name) ?? [0, 0];
  sums.set(name, [sum[0] + credits, sum[1] + byok]);
};

function sumByKey(facts: readonly Fact[]): Map<number, Sums> {
  const keys = new Map<number, Sums>();
  for (const { keyId, date, hourAt, measures } of facts) {
    const sums = keys.get(keyId) ?? { days: new Map(), hours: new Map(), unplaced: new Set() };
    keys.set(keyId, sums);
    const money: Money = [measures.costNano ?? 0, measures.byokCostNano ?? 0];
    addAt(sums.days, date, money);
    if (hourAt === null) sums.unplaced.add(date);
    else addAt(sums.hours, hourAt, money);
  }
  return keys;
}

const counted = (counts: Counts, money: Money | undefined): number =>
  money === undefined ? 0 : (counts === 'byok' ? 0 : money[0]) + (counts === 'credits' ? 0 : money[1]);

/** Complete days in a pace, and the minimum of known ones. */
export const PACE_DAYS = 7;
const MIN_PACE_DAYS = 3;

interface Slot extends Known {
  of(keyId: number): Money | undefined;
  /** False: some spend of that time may be placed elsewhere. */
  isPlaced(keyId: number): boolean;
}

export function createSpend(keys: readonly CoveredKey[], facts: readonly Fact[], zone: string): Spend {
  const sums = sumByKey(facts);
  const startOf = remember((day: string): number => startOfLocalDay(day, zone));
  const timeOf = (from: string, to: string): Known => ({ since: startOf(from), until: startOf(addDays(to, 1)) });
  const ofKey = (keyId: number | null) => keys.filter(({ id }) => keyId === null || id === keyId);

  const sumDays = ({ key_id: keyId, counts }: SpendQuery, from: string, to: string) => {
    const found = [...sums].filter(([id]) => keyId === null || id === keyId).flatMap(([, { days }]) => [...days]);
    const within = found.filter(([date]) => date >= from && date <= to);
    return { nano: within.reduce((sum, [, money]) => sum + counted(counts, money), 0), isReported: within.length > 0 };
  };

  const beside = ({ key_id: keyId, counts }: SpendQuery, slot: Slot, others: readonly Slot[]): Compared | null => {
    const members = ofKey(keyId).filter((key) => slot.of(key.id) !== undefined || spansOf(key).some((span) => overlaps(span, slot)));
    const sum = ({ of }: Slot) => members.reduce((nano, { id }) => nano + counted(counts, of(id)), 0);
    const known = others.filter((other) => members.every((key) => isWhole(key, other) && other.isPlaced(key.id)));
    return members.length === 0 ? null : { spent: sum(slot), before: known.map(sum) };
  };

  const slotOfDay = (day: string): Slot => ({
    ...timeOf(day, day),
    of: (keyId) => sums.get(keyId)?.days.get(day),
    isPlaced: () => true,
  });
  // Spend without an hour is booked on the local day that contains noon of its UTC day.
  const slotOfHour = (at: number): Slot => ({
    since: at,
    until: at + HOUR_MS,
    of: (keyId) => sums.get(keyId)?.hours.get(at),
    isPlaced: (keyId) => !sums.get(keyId)?.unplaced.has(localDayOf(startOfDay(dayOf(at)) + DAY_MS / 2, zone)),
  });

  const paceOfKey = (key: CoveredKey, counts: Counts, days: readonly string[]) => {
    const known = days.filter((day) => isWhole(key, timeOf(day, day)));
    const nano = known.reduce((sum, day) => sum + counted(counts, sums.get(key.id)?.days.get(day)), 0);
    return { nano: known.length === 0 ? 0 : nano / known.length, days: known.length };
  };

  const pacesOf = (keyIds: readonly number[] | null, counts: Counts, today: string) => {
    const days = Array.from({ length: PACE_DAYS }, (_, index) => addDays(today, -1 - index));
    const asked = keys.filter(({ id, isRead, isUnattributed }) => (keyIds === null || keyIds.includes(id)) && (isRead || isUnattributed));
    return asked.map((key) => paceOfKey(key, counts, days));
  };
  const isPace = ({ days }: { days: number }): boolean => days >= MIN_PACE_DAYS;

  return {
    ofDays(asked, from, to) {
      const { nano, isReported } = sumDays(asked, from, to);
      const time = timeOf(from, to);
      const isWatched = () => ofKey(asked.key_id).some((key) => spansOf(key).some((span) => overlaps(span, time)));
      return isReported || isWatched() ? nano : null;
    },
    isComplete(keyId, from, to) {
      const [asked, time] = [ofKey(keyId), timeOf(from, to)];
      return asked.length > 0 && asked.every((key) => isWhole(key, time));
    },
    isCurrent: (keyId) => keys.some(({ id, whole }) => id === keyId && whole.at(-1)?.until === Number.POSITIVE_INFINITY),
    dayBeside: (asked, day, others) => beside(asked, slotOfDay(day), others.map(slotOfDay)),
    hourBeside: (asked, at, others) => beside(asked, slotOfHour(at), others.map(slotOfHour)),
    daysBeside(asked, days, before) {
      const times = [days, before].map(({ from, to }) => timeOf(from, to));
      const members = ofKey(asked.key_id).filter((key) => spansOf(key).some((span) => times.some((time) => overlaps(span, time))));
      const areKnown = members.length > 0 && members.every((key) => times.every((time) => isWhole(key, time)));
      return areKnown ? { spent: sumDays(asked, days.from, days.to).nano, before: sumDays(asked, before.from, before.to).nano } : null;
    },
    isReplaced: (keyId) => keys.some(({ id, isReplaced }) => id === keyId && isReplaced),
    paceOf(keyIds, counts, today) {
      const paces = pacesOf(keyIds, counts, today);
      return paces.some(isPace) ? paces.reduce((sum, { nano }) => sum + nano, 0) : null;
    },
    isPaceComplete: (keyIds, today) => pacesOf(keyIds, 'both', today).every(isPace),
  };
}
