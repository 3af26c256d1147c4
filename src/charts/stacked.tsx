/** SVG of series over time. X positions are shares of the width, so that texts keep their size on every screen. */
import { scaleLinear } from 'd3-scale';
import { area, line, stack } from 'd3-shape';
import { asKnown } from '../lib/format.ts';
import { type ChartText, columnTotals, percent, type Series, type StackedProps, ticksOf, toneClass, totalOf } from './model.ts';
import { Scroll } from './scroll.tsx';
import { tableRow } from './table-row.tsx';
import { target, tipLabels } from './target.tsx';

const HEIGHT = 220;
const TOP = 10;
const AXIS = 26;
const Y_TICKS = 4;
const X_TICKS = 5;
/** With more buckets, a gap would be thinner than a pixel on a small screen. */
const MAX_GAPPED = 120;

const short = (value: number): number => Math.round(value * 100) / 100;

type Extent = readonly [low: number, high: number] | null;
type Layer = readonly Extent[];

function layersOf({ series, buckets, shape }: StackedProps): Layer[] {
  if (shape === 'lines') {
    return series.map(({ values }) => buckets.map((_, index) => (values[index] == null ? null : ([0, values[index]] as const))));
  }
  const stacked = stack<unknown, number, Series>()
    .keys(series)
    .value((index, { values }) => values[index] ?? 0);
  return stacked(buckets.keys()).map((layer) => layer.map(([low, high]) => [low, high]));
}

/** One path for all bars of a layer: a page has hundreds of them. */
const Bars = ({ layer, y }: { layer: Layer; y(value: number): number }) => {
  const gap = layer.length > MAX_GAPPED ? 0 : 0.16;
  const bars = layer.map((extent, index) => {
    const [low, high] = extent ?? [0, 0];
    if (high <= low) return '';
    // Whole pixels: the background would show between edges that share one.
    const [top, bottom] = [Math.round(y(high)), Math.round(y(low))];
    return `M${short(index + gap / 2)} ${top}h${1 - gap}v${Math.max(bottom - top, 0.5)}h${gap - 1}z`;
  });
  return <path class="bars" d={bars.join('')} />;
};

const Outline = ({ layer, y, isLine }: { layer: Layer; y(value: number): number; isLine: boolean }) => {
  const isKnown = (extent: Extent) => extent !== null;
  const x = (_: Extent, index: number) => index + 0.5;
  const low = (extent: Extent) => y(extent?.[0] ?? 0);
  const high = (extent: Extent) => y(extent?.[1] ?? 0);
  if (isLine) return <path d={line(x, high).defined(isKnown).digits(2)(layer) ?? ''} class="line" />;
  return <path d={area(x, low, high).defined(isKnown).digits(2)(layer) ?? ''} />;
};

const Hatches = ({ id, buckets }: Pick<StackedProps, 'id' | 'buckets'>) => (
  <>
    <defs>
      <pattern id={`${id}-hatch`} class="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <line x1="0" y1="0" x2="0" y2="6" />
      </pattern>
    </defs>
    {buckets.map(({ isUnknown }, index) =>
      isUnknown ? (
        <rect
          class="hatched"
          x={percent(index / buckets.length)}
          y={TOP}
          width={percent(1 / buckets.length)}
          height={HEIGHT}
          fill={`url(#${id}-hatch)`}
        />
      ) : null,
    )}
  </>
);

const Legend = ({ id, series, hasUnknown }: { id: string; series: readonly Series[]; hasUnknown: boolean }) => (
  <ul class="legend">
    {series.map(({ label, tone }) => (
      <li>
        <svg class={toneClass(tone)} width="10" height="10" aria-hidden="true">
          <rect width="10" height="10" rx="2" />
        </svg>
        {label}
      </li>
    ))}
    {hasUnknown && (
      <li>
        <svg width="10" height="10" aria-hidden="true">
          <rect width="10" height="10" rx="2" fill={`url(#${id}-hatch)`} />
        </svg>
        Unknown or incomplete
      </li>
    )}
  </ul>
);

function chartTextOf({ buckets, series, format, shape }: StackedProps): ChartText {
  const totals = columnTotals(series, buckets.length);
  const inWords = (value: number | null, isOpen = false): string => asKnown(format(value), !isOpen || shape === 'lines');
  return {
    totals,
    totalTexts: totals.map((total, index) => inWords(total, buckets[index]?.isOpen)),
    texts: series.map(({ values, isOpen }) => buckets.map((_, index) => inWords(values[index] ?? null, isOpen?.[index]))),
  };
}

function sumTexts({ buckets, series, format }: StackedProps, totals: ChartText['totals'] | null): string[] {
  const all = totals ? [{ values: totals, isOpen: buckets.map(({ isOpen = false }) => isOpen) }] : [];
  return [...all, ...series].map((one) => asKnown(format(totalOf(one)), !one.isOpen?.includes(true)));
}

const Table = (props: StackedProps & { chartText: ChartText }) => {
  const { title, buckets, series, shape, chartText } = props;
  const { totals, totalTexts, texts } = chartText;
  const hasTotals = shape !== 'lines' && series.length > 1;
  return (
    <details class="behind">
      <summary>Show as a table</summary>
      <Scroll label={`${title}, as a table`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              {hasTotals && <th scope="col">All</th>}
              {series.map(({ label }) => (
                <th scope="col">{label}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {buckets.map(({ label }, index) => {
              const amounts = texts.map((ofSeries) => ofSeries[index] ?? '');
              return tableRow(label, hasTotals ? [totalTexts[index] ?? '', ...amounts] : amounts);
            })}
          </tbody>
          {shape !== 'areas' && shape !== 'lines' && <tfoot>{tableRow('Total', sumTexts(props, hasTotals ? totals : null))}</tfoot>}
        </table>
      </Scroll>
    </details>
  );
};

export function StackedChart(props: StackedProps) {
  const { id, title, description, buckets, series, formatAxis, shape = 'bars' } = props;
  const layers = layersOf(props);
  const highest = Math.max(...layers.flat().map((extent) => extent?.[1] ?? 0), 0) || 1;
  const y = scaleLinear([0, highest], [HEIGHT, 0]).nice(Y_TICKS);
  const levels = y.ticks(Y_TICKS);
  const levelTexts = formatAxis(levels);
  const chartText = chartTextOf(props);
  const hasUnknown = buckets.some(({ isUnknown }) => isUnknown === true);
  return (
    <figure class="chart">
      <Legend id={id} series={series} hasUnknown={hasUnknown} />
      <div class="plot">
        <svg class="axis" width="52" height={TOP + HEIGHT + AXIS} aria-hidden="true">
          {levels.map((level, index) => (
            <text x="46" y={short(TOP + y(level) + 4)} class="end">
              {levelTexts[index]}
            </text>
          ))}
        </svg>
        <svg
          class="canvas"
          height={TOP + HEIGHT + AXIS}
          role="group"
          aria-labelledby={`${id}-title`}
          aria-describedby={`${id}-description`}
        >
          <title id={`${id}-title`}>{title}</title>
          <desc id={`${id}-description`}>{description}</desc>
          {levels.map((level) => (
            <line class="grid" x1="0" x2="100%" y1={short(TOP + y(level))} y2={short(TOP + y(level))} />
          ))}
          {hasUnknown && <Hatches id={id} buckets={buckets} />}
          <svg
            y={TOP}
            width="100%"
            height={HEIGHT}
            viewBox={`0 0 ${buckets.length} ${HEIGHT}`}
            preserveAspectRatio="none"
            aria-hidden="true"
          >
            {layers.map((layer, index) => (
              <g class={toneClass(series[index]?.tone ?? 'other')}>
                {shape === 'bars' ? <Bars layer={layer} y={y} /> : <Outline layer={layer} y={y} isLine={shape === 'lines'} />}
              </g>
            ))}
          </svg>
          {ticksOf(buckets, X_TICKS).map((index) => (
            <text x={percent(index / buckets.length)} y={TOP + HEIGHT + 18} aria-hidden="true">
              {buckets[index]?.tick}
            </text>
          ))}
          {tipLabels(props)}
          {buckets.map((_, index) => target({ index, props, chartText, height: TOP + HEIGHT }))}
        </svg>
      </div>
      <Table {...props} chartText={chartText} />
    </figure>
  );
}
