/** The buckets of a chart as what can be pointed at and focused. */
import { html } from 'hono/html';
import { percent } from './model.ts';
import type { StackedProps } from './stacked.tsx';

const TIP_WIDTH = 250;
const TIP_LINE = 17;
const TIP_LINES = 7;

interface TargetProps {
  index: number;
  total: number | null;
  props: StackedProps;
  /** Of the plot, in pixels. */
  height: number;
}

const CUT = 24;
const cut = (label: string): string => (label.length > CUT ? `${label.slice(0, CUT - 1)}…` : label);

/**
 * What a bucket holds, shown while it is pointed at or focused: on the other half of the chart, so that it never hides it. A template,
 * since a chart has hundreds of these lines, and elements cost three times as much.
 */
function tipOf({ index, total, props }: Omit<TargetProps, 'height'>) {
  const { buckets, series, format } = props;
  const known = series.flatMap(({ label, tone, values }) => (values[index] ? [{ label, tone, value: values[index] }] : []));
  const lines = known.sort((a, b) => b.value - a.value).slice(0, TIP_LINES);
  const height = TIP_LINE * (lines.length + 1) + 14;
  const isLeft = index >= buckets.length / 2;
  const right = TIP_WIDTH - 10;
  return html`<svg class="tip" x="${isLeft ? '0' : '100%'}" y="4" overflow="visible" aria-hidden="true"><g transform="translate(${isLeft ? 4 : -TIP_WIDTH - 4} 0)"><rect class="sheet" width="${TIP_WIDTH}" height="${height}" rx="6"/><text x="10" y="19" class="strong">${buckets[index]?.label}</text><text x="${right}" y="19" class="strong end">${props.shape === 'lines' ? '' : format(total)}</text>${lines.map(
    ({ label, tone, value }, line) => {
      const y = TIP_LINE * (line + 1) + 19;
      return html`<rect class="tone-${tone}" x="10" y="${y - 9}" width="9" height="9" rx="2"/><text x="25" y="${y}">${cut(label)}</text><text x="${right}" y="${y}" class="end">${format(value)}</text>`;
    },
  )}</g></svg>`;
}

/** A bucket that can be pointed at and focused; it leads to where more is told of it. */
export const Target = ({ index, total, props, height }: TargetProps) => {
  const bucket = props.buckets[index];
  const count = props.buckets.length;
  const label = `${bucket?.label}: ${props.shape === 'lines' ? props.series.map((one) => `${one.label} ${props.format(one.values[index] ?? null)}`).join(', ') : props.format(total)}`;
  const content = (
    <>
      <title>{label}</title>
      <rect class="hit" x={percent(index / count)} width={percent(1 / count)} y="0" height={height} />
      {tipOf({ index, total, props })}
    </>
  );
  return bucket?.href === undefined ? (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: an image that can be focused, to hear what it shows
    <g class="bucket" tabindex={0} role="img" aria-label={label}>
      {content}
    </g>
  ) : (
    <a class="bucket" href={bucket.href} aria-label={label}>
      {content}
    </a>
  );
};
