/** Which figures are complete and which are lower bounds, by local day and hour. Pure. */
import { addDays, DAY_MS, dayOf, HOUR_MS, listDays, startOfDay } from '../../lib/day.ts';
import { remember } from '../../lib/remember.ts';
import { localDayOf, startOfLocalDay } from '../../lib/zone.ts';
import type { CoveredKey } from './coverage.ts';
import type { ByDimension, Dimension, Fact, Range } from '../model.ts';
import type { Known } from './spans.ts';

export type Wanted = 'money' | 'detail';

export const spansOfWanted = ({ whole, detailed }: Pick<CoveredKey, 'whole' | 'detailed'>, wanted: Wanted): readonly Known[] =>
  wanted === 'money' ? whole : detailed;

export interface Figure {
  /** Empty: all keys. */
  keyIds: readonly number[];
  wanted: Wanted;
  /** Its names: spend without a model or provider may belong to any of them. */
  named: readonly Exclude<Dimension, 'key'>[];
}

export const ALL_SPEND: Figure = { keyIds: [], wanted: 'money', named: [] };

export interface HourSlot {
  at: number;
  date: string;
}

/** Why a figure may be incomplete although its time is known. */
type Flaw = 'model' | 'provider' | 'detail' | 'hour';

const isSpend = ({ measures: { costNano, byokCostNano } }: Fact): boolean => Boolean(costNano) || Boolean(byokCostNano);

/** Facts of rolled-up days know one dimension each. */
const FLAWS: Record<Flaw, { in: Dimension; has(fact: Fact): boolean }> = {
  model: { in: 'model', has: (fact) => fact.model === null && isSpend(fact) },
  provider: { in: 'provider', has: (fact) => fact.provider === null && isSpend(fact) },
  detail: { in: 'key', has: ({ measures }) => measures.requests === null },
  hour: { in: 'key', has: (fact) => fact.hour === null && isSpend(fact) },
};

/** Stands for all keys. */
const ANYBODY = 0;

function flawedTimes(facts: ByDimension<Fact>, flaw: Flaw): Map<number, { dates: Set<string>; hours: Set<number> }> {
  const times = new Map<number, { dates: Set<string>; hours: Set<number> }>();
  for (const fact of facts[FLAWS[flaw].in]) {
    if (!FLAWS[flaw].has(fact)) continue;
    for (const id of [ANYBODY, fact.keyId]) {
      const known = times.get(id) ?? { dates: new Set(), hours: new Set() };
      times.set(id, known);
      known.dates.add(fact.date);
      if (fact.hourAt !== null) known.hours.add(fact.hourAt);
    }
  }
  return times;
}

/** Local dates, inclusive, with all their hours inside the span. */
function wholeDates({ since, until }: Known, zone: string): { from: string; to: string } {
  const first = since === Number.NEGATIVE_INFINITY ? '' : localDayOf(since, zone);
  const from = first === '' || startOfLocalDay(first, zone) >= since ? first : addDays(first, 1);
  return { from, to: until === Number.POSITIVE_INFINITY ? '~' : addDays(localDayOf(until, zone), -1) };
}

export function createCompleteness(keys: readonly CoveredKey[], facts: ByDimension<Fact>, range: Pick<Range, 'from' | 'to' | 'zone'>) {
  const { zone } = range;
  const dates = listDays(range.from, range.to);
  const flawed = remember((flaw: Flaw) => flawedTimes(facts, flaw));
  const openOf = (wanted: Wanted) =>
    new Map(
      keys.map((key) => {
        const known = spansOfWanted(key, wanted).map((span) => wholeDates(span, zone));
        const isOpen = (date: string): boolean => !known.some(({ from, to }) => from <= date && to >= date);
        return [key.id, known.some(({ from, to }) => from <= range.from && to >= range.to) ? [] : dates.filter(isOpen)];
      }),
    );
  const open = remember(openOf);
  const idsOf = ({ keyIds }: Figure): readonly number[] => (keyIds.length > 0 ? keyIds : [ANYBODY]);
  const askedOf = ({ keyIds }: Figure) => keys.filter(({ id }) => keyIds.length === 0 || keyIds.includes(id));
  const flawsOf = ({ wanted, named }: Figure): Flaw[] => [...named, ...(wanted === 'detail' ? (['detail'] as const) : [])];
  // Spend without an hour is booked on the local day of noon UTC, and may belong to any hour.
  const noonOf = remember((day: string): string => localDayOf(startOfDay(day) + DAY_MS / 2, zone));

  /** Does no spend of the day lack its hour? */
  const isPlaced = (keyId: number, { at }: HourSlot): boolean =>
    !flawed('hour')
      .get(keyId)
      ?.dates.has(noonOf(dayOf(at)));

  const openDays = (figure: Figure): ReadonlySet<string> => {
    const asked = askedOf(figure);
    if (asked.length === 0) return new Set(dates);
    const days = new Set(asked.flatMap(({ id }) => open(figure.wanted).get(id) ?? []));
    for (const flaw of flawsOf(figure))
      for (const id of idsOf(figure)) for (const date of flawed(flaw).get(id)?.dates ?? []) days.add(date);
    return days;
  };

  return {
    isPlaced,
    openDays,
    isComplete: (figure: Figure): boolean => openDays(figure).size === 0,
    isHourComplete(figure: Figure, slot: HourSlot): boolean {
      const [asked, ids] = [askedOf(figure), idsOf(figure)];
      const isKnown = (key: CoveredKey) =>
        spansOfWanted(key, figure.wanted).some(({ since, until }) => since <= slot.at && until >= slot.at + HOUR_MS);
      const isFlawed = (flaw: Flaw) => ids.some((id) => flawed(flaw).get(id)?.hours.has(slot.at));
      return asked.length > 0 && asked.every(isKnown) && ids.every((id) => isPlaced(id, slot)) && !flawsOf(figure).some(isFlawed);
    },
  };
}

export type Completeness = ReturnType<typeof createCompleteness>;
