/** Whether figures are all of what was spent, or lower bounds: by local day and by hour. Pure. */
import { addDays, DAY_MS, dayOf, HOUR_MS, listDays, startOfDay } from '../../lib/day.ts';
import { remember } from '../../lib/remember.ts';
import { localDayOf, startOfLocalDay } from '../../lib/zone.ts';
import type { CoveredKey } from './coverage.ts';
import type { ByDimension, Dimension, Fact, Range } from '../model.ts';
import type { Known } from './spans.ts';

/** What must be known: money, or also requests, tokens and names, which counters do not know. */
export type Wanted = 'money' | 'detail';

/** When that is known of a key. */
export const spansOfWanted = ({ whole, detailed }: Pick<CoveredKey, 'whole' | 'detailed'>, wanted: Wanted): readonly Known[] =>
  wanted === 'money' ? whole : detailed;

/** A figure, as far as it matters for whether it is all. */
export interface Figure {
  /** Whose; none: of all keys. */
  keyIds: readonly number[];
  wanted: Wanted;
  /** By what it is told: spend of which no model or provider is known may belong to each of them. */
  named: readonly Exclude<Dimension, 'key'>[];
}

/** The spend of all keys. */
export const ALL_SPEND: Figure = { keyIds: [], wanted: 'money', named: [] };

/** An hour of a local date. */
export interface HourSlot {
  at: number;
  date: string;
}

/** Why a figure may lack something although its time is known. */
type Flaw = 'model' | 'provider' | 'detail' | 'hour';

const isSpend = ({ measures: { costNano, byokCostNano } }: Fact): boolean => Boolean(costNano) || Boolean(byokCostNano);

/** Where each flaw is found: facts of summed days know one dimension each. */
const FLAWS: Record<Flaw, { in: Dimension; has(fact: Fact): boolean }> = {
  model: { in: 'model', has: (fact) => fact.model === null && isSpend(fact) },
  provider: { in: 'provider', has: (fact) => fact.provider === null && isSpend(fact) },
  detail: { in: 'key', has: ({ measures }) => measures.requests === null },
  hour: { in: 'key', has: (fact) => fact.hour === null && isSpend(fact) },
};

/** Of facts of all keys. */
const ANYBODY = 0;

/** The dates and hours of the facts that have a flaw, by key. */
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

/** Inclusive local dates that lie inside a span with all their hours. */
function wholeDates({ since, until }: Known, zone: string): { from: string; to: string } {
  const first = since === Number.NEGATIVE_INFINITY ? '' : localDayOf(since, zone);
  const from = first === '' || startOfLocalDay(first, zone) >= since ? first : addDays(first, 1);
  return { from, to: until === Number.POSITIVE_INFINITY ? '~' : addDays(localDayOf(until, zone), -1) };
}

/** Tells which days and hours of a range are known whole, from what is known of its keys and from its facts. */
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
  /** What is asked of, as ids by which flaws are found. */
  const idsOf = ({ keyIds }: Figure): readonly number[] => (keyIds.length > 0 ? keyIds : [ANYBODY]);
  const askedOf = ({ keyIds }: Figure) => keys.filter(({ id }) => keyIds.length === 0 || keyIds.includes(id));
  const flawsOf = ({ wanted, named }: Figure): Flaw[] => [...named, ...(wanted === 'detail' ? (['detail'] as const) : [])];
  // Spend without an hour may be of any hour of its UTC day; it stands on the local day that contains noon of it.
  const noonOf = remember((day: string): string => localDayOf(startOfDay(day) + DAY_MS / 2, zone));

  /** Are a key's amounts of an hour all that it spent then? Not where some of its day's spend has no hour. */
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
    /** The dates of which a figure does not hold everything. */
    openDays,
    /** Does a figure hold everything of the range, up to now? */
    isComplete: (figure: Figure): boolean => openDays(figure).size === 0,
    /** Does it hold everything of an hour? */
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
