/** A heat map by weekday and hour as SVG, with its table. */
import { html } from 'hono/html';
import { percent } from './model.ts';
import { Scroll } from './scroll.tsx';
import { tableRow } from './table-row.tsx';

interface HeatMapProps {
  id: string;
  title: string;
  description: string;
  /** Seven rows from Monday, of 24 hours each; null is unknown. */
  cells: readonly (readonly (number | null)[])[];
  format(value: number | null): string;
}

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const X = HOURS.map((hour) => percent(hour / 24));
const ROW = 32;
/** Equal shares of the highest amount, one color each; zero has its own. */
const STEPS = 5;

/** Room below the rows for the clock and the text of the focused row. */
const FOOT = 44;

const clock = (hour: number): string => `${String(hour).padStart(2, '0')}:00`;

type Texts = readonly (readonly string[])[];

const Behind = ({ title, texts }: Pick<HeatMapProps, 'title'> & { texts: Texts }) => (
  <details class="behind">
    <summary>Show as a table</summary>
    <Scroll label={`${title}, as a table`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Hour</th>
            {WEEKDAYS.map((day) => (
              <th scope="col">{day}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {HOURS.map((hour) =>
            tableRow(
              clock(hour),
              texts.map((row) => row[hour] ?? ''),
            ),
          )}
        </tbody>
      </table>
    </Scroll>
  </details>
);

/** Pointing at an hour shows its amount; focusing the row reads its sum and peak. */
const Row = ({
  day,
  row,
  texts,
  stepOf,
  format,
}: { day: number; row: readonly (number | null)[]; texts: readonly string[]; stepOf(value: number): number } & Pick<
  HeatMapProps,
  'format'
>) => {
  const peak = row.indexOf(Math.max(...row.map((value) => value ?? 0)));
  const sum = row.reduce<number | null>((total, value) => (value === null ? total : (total ?? 0) + value), null);
  const isPart = sum !== null && row.includes(null);
  const text = `${WEEKDAYS[day]}: ${format(sum)}${sum ? `, most of it at ${clock(peak)}: ${texts[peak]}` : ''}${isPart ? ', known hours only' : ''}`;
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: an image that can be focused, to hear what it shows
    <g class="row" tabindex={0} role="img" aria-label={text}>
      <rect class="outline" x="0" y={day * ROW} width="100%" height={ROW - 2} rx="3" />
      {row.map((value, hour) => {
        const heat = value === null ? 'unknown' : value > 0 ? stepOf(value) : 0;
        const text = `${WEEKDAYS[day]} ${clock(hour)}: ${texts[hour]}`;
        return html`<rect class="heat-${heat}" x="${X[hour]}" y="${day * ROW}" width="3.9%" height="${ROW - 3}" rx="3"><title>${text}</title></rect>`;
      })}
      <text class="row-tip" x="50%" y={7 * ROW + 38}>
        {text}
      </text>
    </g>
  );
};

const Legend = ({ from, to }: { from: string; to: string }) => (
  <p class="hint heat-legend">
    {from}
    <svg width={6 * 16} height="12" aria-hidden="true">
      {Array.from({ length: STEPS + 1 }, (_, step) => (
        <rect class={`heat-${step}`} x={step * 16} width="14" height="12" rx="3" />
      ))}
    </svg>
    {to}
  </p>
);

export function HeatMap(props: HeatMapProps) {
  const { id, title, description, cells, format } = props;
  const top = Math.max(...cells.flat().map((value) => value ?? 0));
  const stepOf = (value: number): number => Math.min(STEPS, 1 + Math.floor((value / top) * STEPS));
  const texts = cells.map((row) => row.map(format));
  return (
    <figure class="chart heat">
      <div class="plot">
        <svg class="axis" width="36" height={7 * ROW + FOOT} aria-hidden="true">
          {WEEKDAYS.map((name, day) => (
            <text x="0" y={day * ROW + 19}>
              {name.slice(0, 3)}
            </text>
          ))}
        </svg>
        <svg class="canvas" height={7 * ROW + FOOT} role="group" aria-labelledby={`${id}-title`} aria-describedby={`${id}-description`}>
          <title id={`${id}-title`}>{title}</title>
          <desc id={`${id}-description`}>{description}</desc>
          {cells.map((row, day) => (
            <Row day={day} row={row} texts={texts[day] ?? []} stepOf={stepOf} format={format} />
          ))}
          {[0, 6, 12, 18].map((hour) => (
            <text x={percent(hour / 24)} y={7 * ROW + 14} aria-hidden="true">
              {clock(hour)}
            </text>
          ))}
        </svg>
      </div>
      <Legend from={format(0)} to={format(top)} />
      <Behind title={title} texts={texts} />
    </figure>
  );
}
