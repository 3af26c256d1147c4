import { line } from 'd3-shape';
import { formatShare } from '../lib/format.ts';
import { type Tone, toneClass } from './model.ts';

interface SparklineProps {
  label: string;
  values: readonly (number | null)[];
  /** No line is drawn through a zero that is only a lower bound. */
  isOpen?: readonly boolean[];
  format(value: number | null): string;
}

const HEIGHT = 28;

/** A line without axes; unknown values are gaps. */
export function Sparkline({ label, values: given, isOpen, format }: SparklineProps) {
  const values = given.map((value, index) => (value === 0 && isOpen?.[index] ? null : value));
  const known = values.filter((value) => value !== null);
  const top = Math.max(0, ...known);
  const y = (value: number): number => HEIGHT - 1 - (value / (top || 1)) * (HEIGHT - 3);
  const path = line<number | null>()
    .defined((value) => value !== null)
    .x((_, index) => index)
    .y((value) => y(value ?? 0))
    .digits(1);
  const text = `${label}: ${known.length === 0 ? format(null) : `highest ${format(top)}`}`;
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${Math.max(1, values.length - 1)} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={text}
    >
      <title>{text}</title>
      <path d={path(values) ?? ''} />
    </svg>
  );
}

export const ShareBar = ({ share, tone }: { share: number | null; tone: Tone }) => (
  <span class="share">
    <svg class={toneClass(tone)} height="8" aria-hidden="true">
      <rect class="track" width="100%" height="8" rx="4" />
      <rect width={`${Math.round((share ?? 0) * 1000) / 10}%`} height="8" rx="4" />
    </svg>
    <span>{formatShare(share)}</span>
  </span>
);
