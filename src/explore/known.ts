/** Which buckets of an answer are known zero, and which are lower bounds. Pure. */
import { remember } from '../lib/remember.ts';
import type { Completeness, Figure } from '../usage/coverage/completeness.ts';
import { type CoveredKey, knownUntil } from '../usage/coverage/coverage.ts';
import type { Fact, Range } from '../usage/model.ts';
import { countedDates, zerosOf } from '../usage/sums/stats.ts';
import type { Slot } from './buckets.ts';
import { dimensionsOf, metricOf, type Question, UNKNOWN_NAME } from './model.ts';

export type Name = string | number | null;

/** Buckets known to be zero where nothing was spent: `money` where a key was watched, `all` where analytics were read. */
export type Zeros = Map<number, { money: ReadonlySet<string>; all: ReadonlySet<string> }>;

/** Hours count only if no spend of the day lacks its hour. */
export function knownBuckets(
  keys: readonly CoveredKey[],
  facts: readonly Fact[],
  range: Range,
  slots: readonly Slot[],
  { isPlaced }: Completeness,
): Zeros {
  const counted = countedDates(facts);
  const byDate = Map.groupBy(slots, ({ date }) => date);
  return new Map(
    keys.map((key) => {
      const until = knownUntil(key) ?? 0;
      const [money, all] = [new Set<string>(), new Set<string>()];
      for (const [date, zero] of zerosOf(key, range, counted)) {
        for (const { name, at } of byDate.get(date) ?? []) {
          if (at !== null && (at >= until || !isPlaced(key.id, { at, date }))) continue;
          money.add(name);
          if (zero.requests !== null) all.add(name);
        }
      }
      return [key.id, { money, all }];
    }),
  );
}

/** What must be known for a series: its key, else all keys asked for, and the names that it shows. */
export function figureOf(names: readonly Name[], question: Question): Figure {
  const dimensions = dimensionsOf(question);
  const keyId = names[dimensions.indexOf('key')];
  const isNamed = (dimension: 'model' | 'provider'): boolean => {
    const chosen = question[dimension];
    return (chosen.length > 0 && !chosen.includes(UNKNOWN_NAME)) || (names[dimensions.indexOf(dimension)] ?? null) !== null;
  };
  return {
    keyIds: typeof keyId === 'number' ? [keyId] : question.key,
    wanted: metricOf(question.metric).isMoney ? 'money' : 'detail',
    named: (['model', 'provider'] as const).filter(isNamed),
  };
}

export function createOpen(completeness: Completeness, slots: readonly Slot[], buckets: readonly string[]) {
  return remember((id: string): { isComplete: boolean; isUnknown: boolean[] } => {
    const figure: Figure = JSON.parse(id);
    const days = completeness.openDays(figure);
    const isOpen = ({ at, date }: Slot): boolean => (at === null ? days.has(date) : !completeness.isHourComplete(figure, { at, date }));
    const open = new Set(slots.filter(isOpen).map(({ name }) => name));
    return { isComplete: days.size === 0, isUnknown: buckets.map((bucket) => open.has(bucket)) };
  });
}

/** A running total is a lower bound from the first open bucket on. */
export const runOn = (isOpen: readonly boolean[]): boolean[] => {
  const first = isOpen.indexOf(true);
  return isOpen.map((_, index) => first >= 0 && index >= first);
};

/** Buckets in which a row is known to be zero. Models and providers are known from analytics only. */
export function createKnown(zeros: Zeros, question: Question, buckets: readonly string[]): (names: readonly Name[]) => boolean[] {
  const dimensions = dimensionsOf(question);
  const isFiltered = question.model.length > 0 || question.provider.length > 0;
  const isMoney = metricOf(question.metric).isMoney && !isFiltered;
  const asked = question.key.length > 0 ? question.key : [...zeros.keys()];
  const knownOf = (keyIds: readonly number[], source: 'money' | 'all') => {
    const known = keyIds.flatMap((id) => zeros.get(id)?.[source] ?? []);
    return buckets.map((bucket) => known.some((names) => names.has(bucket)));
  };
  const ofAsked = remember((source: 'money' | 'all') => knownOf(asked, source));
  return (names) => {
    const keyId = names[dimensions.indexOf('key')];
    const isNamed = names.some((name, index) => dimensions[index] !== 'key' && name !== null);
    const source = isMoney && !isNamed ? 'money' : 'all';
    return typeof keyId === 'number' ? knownOf([keyId], source) : ofAsked(source);
  };
}
