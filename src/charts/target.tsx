/** The buckets of a chart, to point at and focus. */
import { html } from 'hono/html';
import { type ChartText, percent, type StackedProps, toneClass } from './model.ts';

const TIP_WIDTH = 250;
const TIP_LINE = 17;
const TIP_LINES = 7;

interface TargetProps {
  index: number;
  props: StackedProps;
  chartText: ChartText;
  /** Of the plot, in pixels. */
  height: number;
}

const CUT = 25;
/** Keeps both ends of a long name: names often differ only at the end. */
const cut = (label: string): string => (label.length > CUT ? `${label.slice(0, (CUT - 1) / 2)}…${label.slice((1 - CUT) / 2)}` : label);

export const tipLabels = ({ id, series }: StackedProps) =>
  html`<defs>${series.map(
    ({ label, tone }, place) =>
      html`<g id="${id}-${place}"><rect class="${toneClass(tone)}" x="10" y="-9" width="9" height="9" rx="2"/><text x="25">${cut(label)}</text></g>`,
  )}</defs>`;

/** Shown on the other half of the chart, so that it never covers its bucket. */
function tipOf({ index, props: { id, buckets, series, shape }, chartText }: Omit<TargetProps, 'height'>) {
  const known = series.flatMap(({ values }, place) =>
    values[index] ? [{ place, value: values[index], text: chartText.texts[place]?.[index] }] : [],
  );
  const more = Math.max(0, known.length - TIP_LINES);
  const lines = known.sort((a, b) => b.value - a.value).slice(0, TIP_LINES);
  const lineY = (line: number): number => TIP_LINE * (line + 1) + 19;
  const height = lineY(lines.length + (more > 0 ? 1 : 0)) - 5;
  const isLeft = index >= buckets.length / 2;
  const right = TIP_WIDTH - 10;
  return html`<svg class="tip" x="${isLeft ? '0' : '100%'}" y="4" overflow="visible" aria-hidden="true"><g transform="translate(${isLeft ? 4 : -TIP_WIDTH - 4} 0)"><rect class="sheet" width="${TIP_WIDTH}" height="${height}" rx="6"/><text x="10" y="19" class="strong">${buckets[index]?.label}</text><text x="${right}" y="19" class="strong end">${shape === 'lines' ? '' : chartText.totalTexts[index]}</text>${lines.map(
    ({ place, text }, line) => {
      const y = lineY(line);
      return html`<use href="#${id}-${place}" y="${y}"/><text x="${right}" y="${y}" class="end">${text}</text>`;
    },
  )}${more > 0 && html`<text x="25" y="${lineY(lines.length)}">and ${more} more</text>`}</g></svg>`;
}

/** A bucket to point at and focus: a link to its details, or an image with a label. Templates cost a third of elements. */
export function target({ index, props, chartText, height }: TargetProps) {
  const { buckets, series, shape } = props;
  const bucket = buckets[index];
  const amounts =
    shape === 'lines'
      ? series.map(({ label }, place) => `${label} ${chartText.texts[place]?.[index]}`).join(', ')
      : chartText.totalTexts[index];
  const label = `${bucket?.label}: ${amounts}`;
  const content = html`<title>${label}</title><rect class="hit" x="${percent(index / buckets.length)}" width="${percent(1 / buckets.length)}" y="0" height="${height}"/>${tipOf({ index, props, chartText })}`;
  return bucket?.href === undefined
    ? html`<g class="bucket" tabindex="0" role="img" aria-label="${label}">${content}</g>`
    : html`<a class="bucket" href="${bucket.href}" aria-label="${label}">${content}</a>`;
}
