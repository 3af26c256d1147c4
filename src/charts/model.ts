/** What charts are drawn from: named series over buckets of time. Pure; amounts are in the unit that `format` tells. */

export interface Bucket {
  /** In words: `Sun, 22 Nov 2026`. */
  label: string;
  /** On the axis: `22 Nov`. */
  tick: string;
  /** Where more is told of it. */
  href?: string;
  /** Not all of it is known: it is hatched. */
  isUnknown?: boolean;
  /** What all series add up to is a lower bound: of an unknown bucket, and of what runs on after one. */
  isOpen?: boolean;
}

export interface Series {
  label: string;
  /** Which of the palette's colours it has, on the whole page. */
  tone: Tone;
  /** By bucket; null is unknown. */
  values: readonly (number | null)[];
  /** By bucket: the value is a lower bound. */
  isOpen?: readonly boolean[];
}

/** A place in the palette, from 0; `other`: the rest of all; `unknown`: what has no name. */
export type Tone = number | 'other' | 'unknown';

const TONES = 7;
/** Each colour is there as it is, paler, and deeper. More series than anybody can tell apart begin with the first one again. */
const SHADES = ['', ' pale', ' deep'] as const;

/** The classes that give something its colour. */
export const toneClass = (tone: Tone): string =>
  typeof tone === 'number' ? `tone-${tone % TONES}${SHADES[Math.floor(tone / TONES) % SHADES.length]}` : `tone-${tone}`;

const sumKnown = (values: readonly (number | null)[]): number | null =>
  values.reduce<number | null>((sum, value) => (value === null ? sum : (sum ?? 0) + value), null);

/** The sum of a series; null where nothing of it is known. */
export const totalOf = ({ values }: Pick<Series, 'values'>): number | null => sumKnown(values);

/** The sum of all series in each bucket. */
export const columnTotals = (series: readonly Pick<Series, 'values'>[], buckets: number): (number | null)[] =>
  Array.from({ length: buckets }, (_, index) => sumKnown(series.map(({ values }) => values[index] ?? null)));

/** Indices of at most `count` buckets that are named on the axis, evenly apart among those that have a name for it. */
export function ticksOf(buckets: readonly Pick<Bucket, 'tick'>[], count: number): number[] {
  const named = [...buckets.keys()].filter((index) => buckets[index]?.tick !== '');
  const step = Math.max(1, Math.ceil(named.length / count));
  return named.filter((_, place) => place % step === 0);
}

/** A share of one as a length in SVG. */
export const percent = (share: number): string => `${Math.round(share * 1e4) / 100}%`;

/** A chart of series over time. */
export interface StackedProps {
  /** Unique on the page. */
  id: string;
  title: string;
  description: string;
  buckets: readonly Bucket[];
  series: readonly Series[];
  format(value: number | null): string;
  /** The texts of the values at which the axis has ticks, from the least. */
  formatAxis(ticks: readonly number[]): string[];
  /** Bars, or areas for what grows from bucket to bucket. */
  shape?: 'bars' | 'areas' | 'lines';
}

/** What each bucket holds, in words: of each series, and of all. Tips and table say the same, so it is said once. */
export interface ChartText {
  totals: readonly (number | null)[];
  totalTexts: readonly string[];
  texts: readonly (readonly string[])[];
}
