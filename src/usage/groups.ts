/** Ledger rows by one or two groups, in keyset pages: a page begins after the place that its cursor names. */
import * as z from 'zod';
import { fromBase64, toBase64Url } from '../lib/base64.ts';
import { addMeasures, type Measures, UNKNOWN } from './measures.ts';
import type { Fact, Group } from './model.ts';

type Cell = string | number | null;

/** The values of a row's groups, in the order in which rows are sorted; time comes first. */
type Place = Cell[];

export interface GroupedRow {
  fields: Record<string, Cell>;
  measures: Measures;
}

const COLUMNS: Record<Group, readonly string[]> = {
  hour: ['date', 'hour'],
  day: ['date'],
  model: ['model'],
  provider: ['provider'],
  key: ['key_id'],
};

const readers: Record<string, (fact: Fact) => Cell> = {
  date: (fact) => fact.date,
  hour: (fact) => fact.hour,
  model: (fact) => fact.model,
  provider: (fact) => fact.provider,
  key_id: (fact) => fact.keyId,
};

/** The columns of rows grouped so: time first, without repetition. */
export function columnsOf(groups: readonly Group[]): string[] {
  const columns = new Set(groups.flatMap((group) => COLUMNS[group]));
  return ['date', 'hour', 'model', 'provider', 'key_id'].filter((column) => columns.has(column));
}

/** Unknown sorts before everything else; hours sort by their instant, since the zone's offset may change between two of them. */
function compareCells(column: string | undefined, a: Cell, b: Cell): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  const [left, right] = column === 'hour' ? [Date.parse(String(a)), Date.parse(String(b))] : [a, b];
  return left < right ? -1 : 1;
}

function comparePlaces(columns: readonly string[], a: Place, b: Place): number {
  for (const [index, cell] of a.entries()) {
    const order = compareCells(columns[index], cell, b[index] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

/** Sums facts by the groups' columns, in order. */
export function groupFacts(facts: readonly Fact[], groups: readonly Group[]): { place: Place; measures: Measures }[] {
  const columns = columnsOf(groups);
  const sums = new Map<string, { place: Place; measures: Measures }>();
  for (const fact of facts) {
    const place = columns.map((column) => readers[column]?.(fact) ?? null);
    const key = JSON.stringify(place);
    const sum = sums.get(key) ?? { place, measures: UNKNOWN };
    sums.set(key, { place, measures: addMeasures(sum.measures, fact.measures) });
  }
  return [...sums.values()].sort((a, b) => comparePlaces(columns, a.place, b.place));
}

/** The page of at most `limit` rows after `cursor`, and the place after which the next one begins. */
export function pageOf(facts: readonly Fact[], groups: readonly Group[], limit: number, cursor: Place | null) {
  const columns = columnsOf(groups);
  const rows = groupFacts(facts, groups).filter((row) => cursor === null || comparePlaces(columns, row.place, cursor) > 0);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    rows: page.map(
      ({ place, measures }): GroupedRow => ({
        fields: Object.fromEntries(columns.map((column, index) => [column, place[index] ?? null])),
        measures,
      }),
    ),
    next: rows.length > limit && last ? last.place : null,
  };
}

export const encodeCursor = (place: Place): string => toBase64Url(new TextEncoder().encode(JSON.stringify(place)));

const cursorSchemas: Record<string, z.ZodType<Cell>> = {
  date: z.iso.date(),
  hour: z.iso.datetime({ offset: true }).nullable(),
  model: z.string().nullable(),
  provider: z.string().nullable(),
  key_id: z.int(),
};

/** The place that a cursor names, or null if it is not one of a page with these groups. */
export function decodeCursor(text: string, groups: readonly Group[]): Place | null {
  try {
    const place = z.array(z.unknown()).parse(JSON.parse(new TextDecoder().decode(fromBase64(text))));
    const columns = columnsOf(groups);
    if (place.length !== columns.length) return null;
    return columns.map((column, index) => (cursorSchemas[column] ?? z.null()).parse(place[index]));
  } catch {
    return null;
  }
}
