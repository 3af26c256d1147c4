/** What charts are drawn from: named series over buckets of time. Pure; amounts are in the unit that `format` tells. */

export interface Bucket {
  /** In words: `Sun, 22 Nov 2026`. */
  label: string;
  /** On the axis: `22 Nov`. */
  tick: string;
  /** Where more is told of it. */
  href?: string;
}

export interface Series {
  label: string;
  /** Which of the palette's colours it has, on the whole page. */
  tone: Tone;
  /** By bucket; null is unknown. */
  values: readonly (number | null)[];
}

/** A place in the palette; `other`: the rest of all. */
export type Tone = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 'other';

const TONES = 7;

/** The colour of the nth series. There are seven; more series than anybody can tell apart begin with the first colour again. */
export const toneOf = (index: number): Tone => (index % TONES) as Tone;

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
