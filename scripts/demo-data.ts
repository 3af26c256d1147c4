/** Ninety days in the life of somebody with a few OpenRouter keys, booked by the same ledger as the Worker's. Pure. */
import { DAY_MS, dayOf, HOUR_MS, hourOf, MINUTE_MS, startOfDay } from '../src/lib/day.ts';
import { addPosting, type Counter, type DayAmounts, postSample, type Sample, type Series } from '../src/usage/ledger.ts';

export const DEMO_DAYS = 90;

interface Spend {
  at: number;
  nano: number;
  byokNano: number;
}

export interface DemoKey {
  name: string;
  text: string;
  limitNano: number | null;
  /** Whether OpenRouter still accepts it at the end of the story. */
  isValid: boolean;
  spends: Spend[];
  days: DayAmounts[];
  series: Series;
}

const CHARACTERS = [
  { name: 'production-backend', dailyUsd: 14, weekendShare: 0.6, byokShare: 0, limitUsd: null, isValid: true },
  { name: 'research-notebooks', dailyUsd: 5, weekendShare: 0.1, byokShare: 0.4, limitUsd: null, isValid: true },
  { name: 'nightly-evals', dailyUsd: 3, weekendShare: 1, byokShare: 0, limitUsd: 400, isValid: true },
  { name: 'ci-bot', dailyUsd: 0.4, weekendShare: 0.2, byokShare: 0, limitUsd: null, isValid: true },
  { name: 'old-laptop', dailyUsd: 0.8, weekendShare: 0.5, byokShare: 0, limitUsd: null, isValid: false },
] as const;

/** A small seeded generator, so that the demo looks the same each time. Source: Mulberry32, public domain, T. Ettinger */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How much of a day falls on an hour: office hours, or the night for the nightly job. */
function hourShare(name: string, hour: number): number {
  if (name === 'nightly-evals') return hour >= 1 && hour <= 4 ? 0.25 : 0;
  return hour >= 7 && hour <= 19 ? 1 / 16 : 0.015;
}

function spendsOf(character: (typeof CHARACTERS)[number], from: number, to: number, random: () => number): Spend[] {
  const spends: Spend[] = [];
  for (let at = from; at < to; at += HOUR_MS) {
    const isWeekend = [0, 6].includes(new Date(at).getUTCDay());
    const growth = 0.7 + (0.6 * (at - from)) / (to - from);
    const usd =
      character.dailyUsd *
      hourShare(character.name, hourOf(at)) *
      (isWeekend ? character.weekendShare : 1) *
      growth *
      (0.4 + 1.2 * random());
    const nano = Math.round(usd * (1 - character.byokShare) * 1e9);
    if (nano > 0)
      spends.push({ at: at + Math.floor(random() * 55 * MINUTE_MS), nano, byokNano: Math.round(usd * character.byokShare * 1e9) });
  }
  return spends.filter((spend) => spend.at < to);
}

const grow = (counter: Counter, nano: number, isToday: boolean): Counter => ({
  totalNano: counter.totalNano + nano,
  todayNano: counter.todayNano + (isToday ? nano : 0),
});

/** Reads the counters every hour at minute 3 and books them. */
function watch(spends: readonly Spend[], from: number, to: number): { days: DayAmounts[]; series: Series } {
  const days = new Map<string, DayAmounts>();
  const startedAt = from + 3 * MINUTE_MS;
  const waiting = spends.toSorted((a, b) => a.at - b.at).values();
  let next = waiting.next();
  let series: Series | null = null;
  let [credits, byok] = [
    { totalNano: 0, todayNano: 0 },
    { totalNano: 0, todayNano: 0 },
  ];
  for (let at = startedAt; at <= to; at += HOUR_MS) {
    const today = startOfDay(dayOf(at));
    if (at - HOUR_MS < today)
      [credits, byok] = [
        { ...credits, todayNano: 0 },
        { ...byok, todayNano: 0 },
      ];
    for (; !next.done && next.value.at <= at; next = waiting.next()) {
      const isToday = next.value.at >= today;
      credits = grow(credits, next.value.nano, isToday);
      byok = grow(byok, next.value.byokNano, isToday);
    }
    const sample: Sample = { at, credits, byok };
    for (const posting of postSample(series, sample)) days.set(posting.day, addPosting(days.get(posting.day) ?? null, posting));
    series = { last: sample, startedAt };
  }
  if (!series) throw new Error('the demo needs at least one sample');
  return { days: [...days.values()], series };
}

/** The demo's keys, ninety days up to `now`. `textOf` names the text of the nth key. */
export function tellStory(now: number, textOf: (index: number) => string): DemoKey[] {
  const from = startOfDay(dayOf(now - DEMO_DAYS * DAY_MS));
  return CHARACTERS.map((character, index) => {
    const spends = spendsOf(character, from, now, createRandom(index + 1));
    const { name, limitUsd, isValid } = character;
    return {
      name,
      text: textOf(index),
      limitNano: limitUsd === null ? null : limitUsd * 1e9,
      isValid,
      spends,
      ...watch(spends, from, now),
    };
  });
}
