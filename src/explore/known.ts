/** What is known of an answer's buckets: where nothing was told, whether that is zero, and what is only a lower bound. Pure. */
import { remember } from '../lib/remember.ts';
import type { Completeness, Figure } from '../usage/coverage/completeness.ts';
import { type CoveredKey, knownUntil } from '../usage/coverage/coverage.ts';
import type { Fact, Range } from '../usage/model.ts';
import { countedDates, zerosOf } from '../usage/sums/stats.ts';
import type { Slot } from './buckets.ts';
import { dimensionsOf, metricOf, type Question, UNKNOWN_NAME } from './model.ts';

/** The value of a dimension; null is unknown. */
export type Name = string | number | null;

/** What is known to be zero where nothing was told: money where a key was watched, counts and names only where analytics were read. */
export type Zeros = Map<number, { money: ReadonlySet<string>; all: ReadonlySet<string> }>;

/** The buckets in which each key is known, as far as it was read; of hours, only those to which nothing unplaced may belong. */
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

/** What must be known for a series: spend of its key or, if it names none, of those that are asked for; and of names, that none is missing. */
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

/** Which buckets a figure does not know whole, and whether it is all of the range. */
export function createOpen(completeness: Completeness, slots: readonly Slot[], buckets: readonly string[]) {
  return remember((id: string): { isComplete: boolean; isUnknown: boolean[] } => {
    const figure: Figure = JSON.parse(id);
    const days = completeness.openDays(figure);
    const isOpen = ({ at, date }: Slot): boolean => (at === null ? days.has(date) : !completeness.isHourComplete(figure, { at, date }));
    const open = new Set(slots.filter(isOpen).map(({ name }) => name));
    return { isComplete: days.size === 0, isUnknown: buckets.map((bucket) => open.has(bucket)) };
  });
}

/** What runs on is a lower bound from the first bucket on that is one. */
export const runOn = (isOpen: readonly boolean[]): boolean[] => {
  const first = isOpen.indexOf(true);
  return isOpen.map((_, index) => first >= 0 && index >= first);
};

/** In which buckets is zero known of a row: of its key or, if it names none, of any; of a model or provider only by analytics. */
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
