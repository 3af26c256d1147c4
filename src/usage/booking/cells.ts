/** Analytics as the ledger stores them: cells by day, model and provider, with hours. Pure. */
import { dayOf, hourOf } from '../../lib/day.ts';
import type { ActivityRow } from '../../openrouter/account.ts';
import type { AnalyticsRow } from '../../openrouter/analytics.ts';
import type { Amounts } from '../sums/measures.ts';

/** One day of a model (permaslug) and provider; '': unknown. */
export interface UsageCell {
  day: string;
  model: string;
  provider: string;
  total: Amounts;
  /** The same by UTC hour; null: only the day is known. */
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

/** Unknown only if both are. */
export const addAmounts = (a: Amounts, b: Amounts): (number | null)[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, index) => {
    const [left, right] = [a[index] ?? null, b[index] ?? null];
    return left === null ? right : left + (right ?? 0);
  });

export const isNothing = (amounts: Amounts): boolean => amounts.every((amount) => amount === null || amount === 0);

export const cellName = ({ day, model, provider }: Pick<UsageCell, 'day' | 'model' | 'provider'>): string =>
  `${day}\n${model}\n${provider}`;

/** Cells without any amount are left out. */
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

/** `/activity` has no hours. */
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

/** Keeps stored hours where a reading only has days, unless the reading has more of anything. */
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

/** Keeps stored days that a reading lacks: OpenRouter forgets a deleted key, sometimes before a listing shows it. */
export function retainMissingDays(stored: readonly UsageCell[], fresh: readonly UsageCell[]): UsageCell[] {
  const freshDays = new Set(fresh.map(({ day }) => day));
  return [...fresh, ...stored.filter(({ day }) => !freshDays.has(day))];
}

export function moneyOfDay(cells: readonly UsageCell[], day: string): [costNano: number, byokCostNano: number] {
  let [cost, byok] = [0, 0];
  for (const cell of cells) {
    if (cell.day !== day) continue;
    cost += cell.total[0] ?? 0;
    byok += cell.total[1] ?? 0;
  }
  return [cost, byok];
}

/** In place; unknown if one of them is. */
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

/** Drops models, providers or hours; unknown if one summand is. In place: there are thousands of hours. */
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

/** A completed day as `/activity` reports it. */
export interface Check {
  day: string;
  costNano: number;
  byokCostNano: number;
}
