/** What an account spent outside of its keys: its total less theirs. Pure. */

import { addAmounts, type Check, cellName, coarsen, isNothing, moneyOfDay, type UsageCell } from '../usage/cells.ts';
import type { Amounts } from '../usage/measures.ts';

/** The difference; unknown where one of both is unknown. */
const minus = (a: Amounts, b: Amounts): (number | null)[] =>
  a.map((amount, index) => (amount === null || b[index] === null ? null : amount - (b[index] ?? 0)));

const isNegative = (amounts: Amounts): boolean => amounts.some((amount) => amount !== null && amount < 0);

/** Hours of the rest, or null where they do not add up: then the rest's day is known, but not its hours. */
function restHours(total: UsageCell, keys: UsageCell | undefined): UsageCell['hours'] {
  if (total.hours === null || (keys && keys.hours === null)) return null;
  const totalHours = total.hours;
  const isUnknown = (hour: string): boolean => totalHours[Number(hour)] === undefined;
  if (Object.entries(keys?.hours ?? {}).some(([hour, amounts]) => isUnknown(hour) && !isNothing(amounts))) return null;
  const hours: Record<number, Amounts> = {};
  for (const [hour, amounts] of Object.entries(totalHours)) {
    const rest = minus(amounts, keys?.hours?.[Number(hour)] ?? []);
    if (isNegative(rest)) return null;
    if (!isNothing(rest)) hours[Number(hour)] = rest;
  }
  return hours;
}

/** The rest by cell, or null if it came out negative somewhere. */
function subtract(totals: readonly UsageCell[], keys: readonly UsageCell[]): UsageCell[] | null {
  const known = new Map(keys.map((cell) => [cellName(cell), cell]));
  const names = new Set(totals.map(cellName));
  if (keys.some((cell) => !names.has(cellName(cell)) && !isNothing(cell.total))) return null;
  const rest = totals.map((total) => {
    const own = known.get(cellName(total));
    return { ...total, total: minus(total.total, own?.total ?? []), hours: restHours(total, own) };
  });
  return rest.some(({ total }) => isNegative(total)) ? null : rest.filter(({ total }) => !isNothing(total));
}

const withoutModel = (cells: readonly UsageCell[]): UsageCell[] =>
  coarsen(
    cells.map((cell) => ({ ...cell, model: '' })),
    false,
    false,
  );

/** The day as one cell; its money is known not to be negative, of the rest only what is not is believed. */
function restOfDay(totals: readonly UsageCell[], keys: readonly UsageCell[]): UsageCell[] {
  const sum = (cells: readonly UsageCell[]) => withoutModel(cells).reduce<Amounts>((amounts, { total }) => addAmounts(amounts, total), []);
  const total = minus(sum(totals), sum(keys)).map((amount) => (amount === null ? null : Math.max(0, amount)));
  const day = totals[0]?.day;
  return day === undefined || isNothing(total) ? [] : [{ day, model: '', provider: '', total, hours: null }];
}

/**
 * The rest of one completed day. It is told by model and provider where that comes out, else by model, else as one sum; if that is
 * negative, the two sources disagree, and nothing is booked.
 */
export function outsideOfDay(totals: readonly UsageCell[], keys: readonly UsageCell[]): UsageCell[] {
  const day = totals[0]?.day ?? '';
  const [cost, byok] = moneyOfDay(totals, day);
  const [keyCost, keyByok] = moneyOfDay(keys, day);
  if (cost < keyCost || byok < keyByok) return [];
  return subtract(totals, keys) ?? subtract(coarsen(totals, false, true), coarsen(keys, false, true)) ?? restOfDay(totals, keys);
}

/** The rest of each of the days, and what the account spent on each in total. */
export function outsideOf(
  days: readonly string[],
  totals: readonly UsageCell[],
  keys: readonly UsageCell[],
): { cells: UsageCell[]; checks: Check[] } {
  const ofDay = (cells: readonly UsageCell[], day: string) => cells.filter((cell) => cell.day === day);
  return {
    cells: days.flatMap((day) => outsideOfDay(ofDay(totals, day), ofDay(keys, day))),
    checks: days.map((day) => {
      const [costNano, byokCostNano] = moneyOfDay(totals, day);
      return { day, costNano, byokCostNano };
    }),
  };
}
