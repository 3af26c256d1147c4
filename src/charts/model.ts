/** What charts are drawn from: named series over time buckets. Pure; `format` gives the unit of amounts. */

export interface Bucket {
  /** `Sun, 22 Nov 2026` */
  label: string;
  /** `22 Nov` */
  tick: string;
  href?: string;
  /** Partly unknown: hatched. */
  isUnknown?: boolean;
  /** The sum of all series is a lower bound: an unknown bucket, or a running total after one. */
  isOpen?: boolean;
}

export interface Series {
  label: string;
  tone: Tone;
  values: readonly (number | null)[];
  isOpen?: readonly boolean[];
}

/** A position in the palette, from 0; `other`: all remaining series; `unknown`: no name. */
export type Tone = number | 'other' | 'unknown';

const TONES = 7;
/** Each color plain, pale and deep; then the palette repeats. */
const SHADES = ['', ' pale', ' deep'] as const;

export const toneClass = (tone: Tone): string =>
  typeof tone === 'number' ? `tone-${tone % TONES}${SHADES[Math.floor(tone / TONES) % SHADES.length]}` : `tone-${tone}`;

const sumKnown = (values: readonly (number | null)[]): number | null =>
  values.reduce<number | null>((sum, value) => (value === null ? sum : (sum ?? 0) + value), null);

export const totalOf = ({ values }: Pick<Series, 'values'>): number | null => sumKnown(values);

export const columnTotals = (series: readonly Pick<Series, 'values'>[], buckets: number): (number | null)[] =>
  Array.from({ length: buckets }, (_, index) => sumKnown(series.map(({ values }) => values[index] ?? null)));

export function ticksOf(buckets: readonly Pick<Bucket, 'tick'>[], count: number): number[] {
  const named = [...buckets.keys()].filter((index) => buckets[index]?.tick !== '');
  const step = Math.max(1, Math.ceil(named.length / count));
  return named.filter((_, place) => place % step === 0);
}

export const percent = (share: number): string => `${Math.round(share * 1e4) / 100}%`;

export interface StackedProps {
  id: string;
  title: string;
  description: string;
  buckets: readonly Bucket[];
  series: readonly Series[];
  format(value: number | null): string;
  formatAxis(ticks: readonly number[]): string[];
  /** `areas` for running totals, `lines` for ratios. */
  shape?: 'bars' | 'areas' | 'lines';
}

/** Texts of each bucket, by series and in total; tips and table share them. */
export interface ChartText {
  totals: readonly (number | null)[];
  totalTexts: readonly string[];
  texts: readonly (readonly string[])[];
}
