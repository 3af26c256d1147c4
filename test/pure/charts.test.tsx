import { describe, expect, it } from 'vitest';
import { HeatMap } from '../../src/charts/heat-map.tsx';
import { toneClass } from '../../src/charts/model.ts';
import { ShareBar, Sparkline } from '../../src/charts/small.tsx';
import { StackedChart } from '../../src/charts/stacked.tsx';
import { formatUsd, formatUsdAxis } from '../../src/lib/format.ts';

const render = (element: unknown): string => String(element);
const count = (html: string, pattern: RegExp): number => [...html.matchAll(pattern)].length;

const chart = (props: Partial<Parameters<typeof StackedChart>[0]>) =>
  render(
    <StackedChart
      id="c"
      title="Spend"
      description="Of two days"
      format={formatUsd}
      formatAxis={formatUsdAxis}
      buckets={[
        { label: 'Monday', tick: 'Mon', href: '/monday' },
        { label: 'Tuesday', tick: 'Tue' },
        { label: 'Wednesday', tick: '' },
      ]}
      series={[
        { label: 'a', tone: 0, values: [1, 3, null] },
        { label: 'b with a name that is longer than its place in the tip', tone: 'other', values: [1, null, null] },
      ]}
      {...props}
    />,
  );

describe('a chart over time', () => {
  it('draws a bar for each amount, and tells every bucket to those who point at it, focus it or read the table', () => {
    const html = chart({});
    const [first, second] = [...html.matchAll(/<g class="tone-\w+"><path class="bars" d="([^"]*)"/g)].map(([, d]) => d ?? '');
    expect([count(first ?? '', /M/g), count(second ?? '', /M/g)]).toEqual([2, 1]);
    expect(first).toMatch(/^M0\.08 [\d.]+h0\.84v[\d.]+h-0\.84z/);
    expect(html).toContain('<title id="c-title">Spend</title><desc id="c-description">Of two days</desc>');
    expect(html).toContain('<a class="bucket" href="/monday" aria-label="Monday: $2.00">');
    expect(html).toContain('<g class="bucket" tabindex="0" role="img" aria-label="Tuesday: $3.00">');
    expect(html).toContain('aria-label="Wednesday: –"');
    expect(html).toContain('<tr><th scope="row">Monday</th><td>$2.00</td><td>$1.00</td><td>$1.00</td></tr>');
    expect(html).toContain('<tr><th scope="row">Total</th><td>$5.00</td><td>$4.00</td><td>$1.00</td></tr>');
    expect(html).toContain('b with a nam…e in the tip');
    expect(count(html, /<svg class="tip" x="0"/g)).toBe(1);
  });

  it('leaves gaps in lines where nothing is known, and stacks areas', () => {
    const lines = chart({ shape: 'lines', series: [{ label: 'a', tone: 1, values: [2, null, 4] }] });
    expect(count(/<path d="([^"]*)" class="line"/.exec(lines)?.[1] ?? '', /M/g)).toBe(2);
    expect(lines).toContain('aria-label="Wednesday: a $4.00"');
    expect(lines).not.toContain('>Total<');
    const areas = chart({ shape: 'areas' });
    expect(count(areas, /<g class="tone-[^"]+"><path d="M/g)).toBe(2);
    expect(areas).not.toContain('class="line"');
  });

  it('draws a dot where only one value between two gaps is known', () => {
    const lines = chart({ shape: 'lines', series: [{ label: 'a', tone: 1, values: [null, 2, null] }] });
    expect(lines).toContain('<path d="M1.5,0Z" class="line"');
  });

  it('draws nothing where nothing was spent, and has no gaps between very many bars', () => {
    expect(chart({ series: [] })).toContain('>$0.00</text>');
    const buckets = Array.from({ length: 200 }, (_, index) => ({ label: String(index), tick: String(index) }));
    const many = chart({ buckets, series: [{ label: 'a', tone: 2, values: buckets.map(() => 1) }] });
    expect(count(many, /M\d+ 0h1v220h-1z/g)).toBe(200);
  });

  it('has a look of their own for as many series as can be told apart', () => {
    const classes = Array.from({ length: 22 }, (_, index) => toneClass(index));
    expect(new Set(classes).size).toBe(21);
    expect([classes[6], classes[7], classes[15], classes[21]]).toEqual(['tone-6', 'tone-0 pale', 'tone-1 deep', 'tone-0']);
    expect(toneClass('unknown')).toBe('tone-unknown');
  });

  it('tells of buckets with many series which are the largest, and how many there are besides', () => {
    const series = Array.from({ length: 9 }, (_, index) => ({ label: `series ${index}`, tone: index, values: [index, null, 1] }));
    const html = chart({ series });
    expect(count(html, />and 1 more</g)).toBe(1);
    expect(count(html, />and 2 more</g)).toBe(1);
    expect(html.indexOf('$8.00')).toBeLessThan(html.indexOf('$7.00'));
  });
});

describe('what is not known', () => {
  const html = chart({
    buckets: [
      { label: 'Monday', tick: 'Mon', isUnknown: true, isOpen: true },
      { label: 'Tuesday', tick: 'Tue', isOpen: true },
      { label: 'Wednesday', tick: 'Wed' },
    ],
    series: [
      { label: 'a', tone: 0, values: [1, 3, 5], isOpen: [true, false, false] },
      { label: 'b', tone: 1, values: [null, 2, 4], isOpen: [true, false, false] },
    ],
  });
  const at = (text: string) => text.replaceAll('≥ ', '≥\u00a0');

  it('is hatched, and what is only a part of it is a lower bound wherever it is told', () => {
    expect(count(html, /class="hatched"/g)).toBe(1);
    expect(html).toContain('Unknown or incomplete');
    expect(html).toContain(at('aria-label="Monday: ≥ $1.00"'));
    expect(html).toContain(at('aria-label="Tuesday: ≥ $5.00"'));
    expect(html).toContain('aria-label="Wednesday: $9.00"');
    expect(html).toContain(at('<tr><th scope="row">Monday</th><td>≥ $1.00</td><td>≥ $1.00</td><td>–</td></tr>'));
    expect(html).toContain(at('<tr><th scope="row">Tuesday</th><td>≥ $5.00</td><td>$3.00</td><td>$2.00</td></tr>'));
    expect(html).toContain(at('<tr><th scope="row">Total</th><td>≥ $15.00</td><td>≥ $9.00</td><td>≥ $6.00</td></tr>'));
    expect(chart({})).not.toMatch(/hatched|≥|Unknown or incomplete/);
  });

  it('leaves ratios alone, which have no lower bound', () => {
    expect(chart({ shape: 'lines', series: [{ label: 'a', tone: 1, values: [2, 3, 4], isOpen: [true, true, true] }] })).not.toContain('≥');
  });

  it('is no line along zero, and no highest of zero', () => {
    const spark = (values: (number | null)[], isOpen: boolean[]) =>
      render(<Sparkline label="Spend" values={values} isOpen={isOpen} format={formatUsd} />);
    expect(spark([0, 0, 3], [true, false, false])).toContain('d="M1,27L2,');
    expect(spark([0, null], [true, true])).toContain('aria-label="Spend: –"');
    expect(spark([], [])).toContain('aria-label="Spend: –"');
    expect(spark([0, 0], [false, false])).toContain('aria-label="Spend: highest $0.00"');
  });

  it('is said of weekdays that are known in part', () => {
    const cells = Array.from({ length: 7 }, () => Array.from({ length: 24 }, (_, hour) => (hour < 9 ? null : 0)));
    const map = render(<HeatMap id="h" title="Week" description="Hours" cells={cells} format={formatUsd} />);
    expect(map).toContain('aria-label="Monday: $0.00, known hours only"');
  });
});

describe('small charts', () => {
  it('tell their highest value and their share', () => {
    expect(render(<Sparkline label="Spend" values={[1, null, 3]} format={formatUsd} />)).toContain('Spend: highest $3.00');
    expect(render(<Sparkline label="Spend" values={[0, null]} format={formatUsd} />)).toContain('highest $0.00');
    expect(render(<ShareBar share={0.375} tone={3} />)).toContain('width="37.5%"');
    expect(render(<ShareBar share={null} tone="other" />)).toContain('–');
    const shares = [0, 0.004, 0.006, 0.994, 0.996, 1].map(
      (share) => render(<ShareBar share={share} tone={0} />).match(/<span>([^<]*)<.span><.span>$/)?.[1],
    );
    expect(shares).toEqual(['0%', '&lt;1%', '1%', '99%', '&gt;99%', '100%']);
  });

  it('tell each hour of the week, and what is not known', () => {
    const cells = Array.from({ length: 7 }, (_, day) => Array.from({ length: 24 }, (_, hour) => (day === 6 ? null : day === 0 ? hour : 0)));
    const html = render(<HeatMap id="h" title="Week" description="Hours" cells={cells} format={formatUsd} />);
    expect(html).toContain('<title>Monday 23:00: $23.00</title>');
    expect(html).toContain('aria-label="Monday: $276.00, most of it at 23:00: $23.00"');
    expect(html).toContain('aria-label="Sunday: –"');
    expect(count(html, /heat-unknown/g)).toBe(24);
    expect(count(html, /heat-0/g)).toBe(5 * 24 + 1 + 1);
    expect(html).toContain('$23.00</p>');
    expect(count(html, /heat-5/g)).toBeGreaterThan(3);
  });
});
