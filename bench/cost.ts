/** What a stretch of work costs, in the units that Cloudflare counts. */
export interface Cost {
  /** Queue messages, and what the queue does with them: write, read, delete. */
  messages: number;
  operations: number;
  /** Requests to OpenRouter. */
  calls: number;
  /** Round trips to D1, and the statements in them. */
  trips: number;
  statements: number;
  rowsRead: number;
  rowsWritten: number;
}

export const NO_COST: Cost = { messages: 0, operations: 0, calls: 0, trips: 0, statements: 0, rowsRead: 0, rowsWritten: 0 };

const NAMES = Object.keys(NO_COST) as (keyof Cost)[];

const mapCost = (map: (name: keyof Cost) => number): Cost => Object.fromEntries(NAMES.map((name) => [name, map(name)])) as unknown as Cost;

export const addCosts = (a: Cost, b: Cost): Cost => mapCost((name) => a[name] + b[name]);

/** The cost of one of `count`. */
export const divideCost = (cost: Cost, count: number): Cost => mapCost((name) => cost[name] / count);

/** A Markdown table as the formatter leaves it: figures stand on the right, but for the first `texts` columns. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[], texts = 1): string {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(3, ...lines.map((line) => (line[column] ?? '').length)));
  const isText = (column: number) => column < texts;
  const pad = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    return isText(column) ? cell.padEnd(width) : cell.padStart(width);
  };
  const rule = widths.map((width, column) => (isText(column) ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  const [first = [], ...rest] = lines.map((line) => line.map(pad));
  return [first, rule, ...rest].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A figure with so many decimals as it needs: 12345 → 12,345; 3.14159 → 3.14. */
export const figure = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3 });

export const COST_HEAD = ['Messages', 'Queue operations', 'Calls', 'D1 trips', 'Statements', 'Rows read', 'Rows written'];

export const costCells = (cost: Cost): string[] => NAMES.map((name) => figure(cost[name]));
