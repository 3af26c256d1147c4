/** Analytics as the ledger stores them: a cell for each day, model and provider, with its hours. Pure. */
import { dayOf, hourOf } from '../../lib/day.ts';
import type { ActivityRow } from '../../openrouter/account.ts';
import type { AnalyticsRow } from '../../openrouter/analytics.ts';
import type { Amounts } from '../sums/measures.ts';

/** What a day holds of a model (permaslug) and provider; '' is unknown. */
export interface UsageCell {
  day: string;
  model: string;
  provider: string;
  /** Credits and BYOK in nano-dollars, requests, prompt, completion, reasoning and cached tokens. */
  total: Amounts;
  /** The same by hour of the UTC day; null: only the day is known. */
  hours: Readonly<Record<number, Amounts>> | null;
}

const amountsOf = (row: Omit<AnalyticsRow, 'at' | 'model' | 'cachedTokens'> & Pick<ActivityRow, 'cachedTokens'>): Amounts => [
  row.costNano,
  row.byokCostNano,
  row.requests,
  row.promptTokens,
  row.completionTokens,
  row.reasoningTokens,
  row.cachedTokens,
];

/** The sum of amounts; unknown is what both do not know. */
export const addAmounts = (a: Amounts, b: Amounts): (number | null)[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, index) => {
    const [left, right] = [a[index] ?? null, b[index] ?? null];
    return left === null ? right : left + (right ?? 0);
  });

/** Is there nothing in these amounts? */
export const isNothing = (amounts: Amounts): boolean => amounts.every((amount) => amount === null || amount === 0);

/** Names a cell's place. */
export const cellName = ({ day, model, provider }: Pick<UsageCell, 'day' | 'model' | 'provider'>): string =>
  `${day}\n${model}\n${provider}`;

/** Cells of the rows of a query; rows of one place are added, and a place where nothing happened is left out. */
export function cellsOf(rows: readonly AnalyticsRow[], granularity: 'hour' | 'day'): UsageCell[] {
  const cells = new Map<string, UsageCell & { hours: Record<number, Amounts> | null }>();
  for (const row of rows) {
    const place = { day: dayOf(row.at), model: row.model, provider: row.provider };
    const amounts = amountsOf(row);
    if (isNothing(amounts)) continue;
    const cell = cells.get(cellName(place)) ?? { ...place, total: [], hours: granularity === 'hour' ? {} : null };
    cell.total = addAmounts(cell.total, amounts);
    if (cell.hours) cell.hours[hourOf(row.at)] = addAmounts(cell.hours[hourOf(row.at)] ?? [], amounts);
    cells.set(cellName(place), cell);
  }
  return [...cells.values()];
}

/** Cells of rows of `/activity`, which tell no hours. */
export function cellsOfActivity(rows: readonly ActivityRow[]): UsageCell[] {
  const cells = new Map<string, UsageCell>();
  for (const row of rows) {
    const place = { day: row.day, model: row.permaslug, provider: row.provider };
    const amounts = amountsOf(row);
    if (isNothing(amounts)) continue;
    const known = cells.get(cellName(place));
    cells.set(cellName(place), { ...place, total: addAmounts(known?.total ?? [], amounts), hours: null });
  }
  return [...cells.values()];
}

const isSame = (a: UsageCell, b: UsageCell): boolean =>
  JSON.stringify([addAmounts(a.total, []), a.hours]) === JSON.stringify([addAmounts(b.total, []), b.hours]);

/** What must be written so that days that held `stored` hold `fresh`: nothing for what is the same. */
export function diffCells(stored: readonly UsageCell[], fresh: readonly UsageCell[]): { set: UsageCell[]; drop: UsageCell[] } {
  const before = new Map(stored.map((cell) => [cellName(cell), cell]));
  const after = new Set(fresh.map(cellName));
  return {
    set: fresh.filter((cell) => {
      const known = before.get(cellName(cell));
      return !known || !isSame(known, cell);
    }),
    drop: stored.filter((cell) => !after.has(cellName(cell))),
  };
}

/**
 * The cells of a reading, but for days that are known by the hour already and that the reading knows as days only: those stay as they
 * are stored, unless the reading has more of anything.
 */
export function preferHourly(stored: readonly UsageCell[], fresh: readonly UsageCell[]): UsageCell[] {
  const isFine = (cells: readonly UsageCell[]) => cells.length > 0 && cells.every(({ hours }) => hours !== null);
  const sumOf = (cells: readonly UsageCell[]) => cells.reduce<Amounts>((sum, { total }) => addAmounts(sum, total), []);
  const byDay = Map.groupBy(stored, ({ day }) => day);
  return [...Map.groupBy(fresh, ({ day }) => day)].flatMap(([day, cells]) => {
    const known = byDay.get(day) ?? [];
    const [before, now] = [sumOf(known), sumOf(cells)];
    const hasMore = now.some((amount, index) => (amount ?? 0) > (before[index] ?? 0));
    return isFine(known) && !isFine(cells) && !hasMore ? known : cells;
  });
}

/**
 * The cells of a reading of a key, and what is stored of days of which it has nothing at all: what was spent does not go, but OpenRouter
 * forgets a key that is deleted, maybe before a listing tells so.
 */
export function retainMissingDays(stored: readonly UsageCell[], fresh: readonly UsageCell[]): UsageCell[] {
  const told = new Set(fresh.map(({ day }) => day));
  return [...fresh, ...stored.filter(({ day }) => !told.has(day))];
}

/** Credits and BYOK spend of a day in cells, in nano-dollars. */
export function moneyOfDay(cells: readonly UsageCell[], day: string): [costNano: number, byokCostNano: number] {
  let [cost, byok] = [0, 0];
  for (const cell of cells) {
    if (cell.day !== day) continue;
    cost += cell.total[0] ?? 0;
    byok += cell.total[1] ?? 0;
  }
  return [cost, byok];
}

/** Adds amounts to others, in place; what one of both does not know is unknown. */
function addKnown(to: (number | null)[], amounts: Amounts): void {
  for (let index = Math.max(to.length, amounts.length) - 1; index >= 0; index--) {
    const [left, right] = [to[index] ?? null, amounts[index] ?? null];
    to[index] = left === null || right === null ? null : left + right;
  }
}

type Sum = Omit<UsageCell, 'total' | 'hours'> & { total: (number | null)[]; hours: Record<number, (number | null)[]> | null };

function addHours(to: NonNullable<Sum['hours']>, hours: NonNullable<UsageCell['hours']>): void {
  for (const hour in hours) {
    const [known, amounts] = [to[hour], hours[hour] ?? []];
    if (known) addKnown(known, amounts);
    else to[hour] = amounts.slice();
  }
}

/**
 * The same cells without their models, their providers, or their hours; of one place there is one. What one of them does not know is unknown. There
 * are thousands of hours, so sums are made in place.
 */
export function dropDimensions(cells: Iterable<UsageCell>, keep: { model: boolean; provider: boolean; hours: boolean }): UsageCell[] {
  const sums = new Map<string, Sum>();
  for (const { day, total, hours, ...names } of cells) {
    const place = { day, model: keep.model ? names.model : '', provider: keep.provider ? names.provider : '' };
    const sum = sums.get(cellName(place));
    if (!sum) {
      const own: Sum = { ...place, total: total.slice(), hours: keep.hours && hours ? {} : null };
      if (own.hours && hours) addHours(own.hours, hours);
      sums.set(cellName(place), own);
      continue;
    }
    addKnown(sum.total, total);
    if (sum.hours && hours) addHours(sum.hours, hours);
    else sum.hours = null;
  }
  return [...sums.values()];
}

/** A completed day as `/activity` tells it, or, of a whole account, analytics. */
export interface Check {
  day: string;
  costNano: number;
  byokCostNano: number;
}
