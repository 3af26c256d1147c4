/** Ledger rows by one or two groups, in keyset pages: a page begins after the position of its cursor. */
import { base64url } from 'jose';
import * as z from 'zod';
import { addDays } from '../../lib/day.ts';
import { type Fact, factsOf, type Group, type LedgerRow, type Range } from '../model.ts';
import { addMeasuresTo, type Measures } from './measures.ts';

type Cell = string | number | null;

/** The sort key of a row: its columns, an hour as its instant. */
export type Position = Cell[];

export interface GroupedRow {
  position: Position;
  fields: Record<string, Cell>;
  measures: Measures;
}

interface Column {
  name: string;
  groups: readonly Group[];
  read(fact: Fact): Cell;
  order?(fact: Fact): Cell;
  positionSchema: z.ZodType<Cell>;
}

/** In sort order: time first. */
const COLUMNS: readonly Column[] = [
  { name: 'date', groups: ['hour', 'day'], read: (fact) => fact.date, positionSchema: z.iso.date() },
  { name: 'hour', groups: ['hour'], read: (fact) => fact.hour, order: (fact) => fact.hourAt, positionSchema: z.int().nullable() },
  { name: 'model', groups: ['model'], read: (fact) => fact.model, positionSchema: z.string().nullable() },
  { name: 'provider', groups: ['provider'], read: (fact) => fact.provider, positionSchema: z.string().nullable() },
  { name: 'key_id', groups: ['key'], read: (fact) => fact.keyId, positionSchema: z.int() },
];

const columnsFor = (groups: readonly Group[]): Column[] =>
  COLUMNS.filter((column) => column.groups.some((group) => groups.includes(group)));

export const columnsOf = (groups: readonly Group[]): string[] => columnsFor(groups).map(({ name }) => name);

const isByTime = (groups: readonly Group[]): boolean => groups.includes('hour') || groups.includes('day');

/** Unknown sorts first. */
export function compareCells(a: Cell, b: Cell): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}

export function comparePositions(a: Position, b: Position): number {
  for (let index = 0; index < a.length; index++) {
    const order = compareCells(a[index] ?? null, b[index] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

export function groupFacts(facts: readonly Fact[], groups: readonly Group[]): GroupedRow[] {
  const columns = columnsFor(groups);
  const sums = new Map<string, GroupedRow>();
  for (const fact of facts) {
    const position = columns.map(({ read, order = read }) => order(fact));
    const key = JSON.stringify(position);
    const sum = sums.get(key);
    if (sum) addMeasuresTo(sum.measures, fact.measures);
    else {
      const fields = Object.fromEntries(columns.map(({ name, read }) => [name, read(fact)]));
      sums.set(key, { position, fields, measures: { ...fact.measures } });
    }
  }
  return [...sums.values()].sort((a, b) => comparePositions(a.position, b.position));
}

export interface Page {
  rows: GroupedRow[];
  /** Of the days of its rows, also unwanted ones. */
  facts: readonly Fact[];
  next: Position | null;
}

function pageOf(
  facts: readonly Fact[],
  { groups, isWanted, limit, cursor }: Pick<PageQuery<LedgerRow>, 'groups' | 'isWanted' | 'limit' | 'cursor'>,
): Page {
  const rows = groupFacts(facts.filter(isWanted), groups).filter((row) => cursor === null || comparePositions(row.position, cursor) > 0);
  const page = rows.slice(0, limit);
  return { rows: page, facts, next: rows.length > limit ? (page.at(-1)?.position ?? null) : null };
}

const FIRST_DAYS = 8;

export interface PageQuery<T extends { day: string }> {
  stored: readonly T[];
  toRows(stored: T): LedgerRow[];
  range: Range;
  groups: readonly Group[];
  isWanted(fact: Fact): boolean;
  limit: number;
  cursor: Position | null;
}

/** Rows by date are made for as many days as the page needs, at most twice that: a page costs what it shows. */
export function pageOfRange<T extends { day: string }>({ stored, toRows, range, groups, isWanted, limit, cursor }: PageQuery<T>): Page {
  const first = cursor && isByTime(groups) ? String(cursor[0]) : range.from;
  const from = first > range.from ? first : range.from;
  for (let days = isByTime(groups) ? FIRST_DAYS : Number.MAX_SAFE_INTEGER; ; days *= 2) {
    const end = days > FIRST_DAYS * 64 ? range.to : addDays(from, days - 1);
    const to = end < range.to ? end : range.to;
    const [low, high] = [addDays(from, -1), addDays(to, 1)];
    const rows = stored.filter(({ day }) => day >= low && day <= high).flatMap(toRows);
    const page = pageOf(factsOf(rows, { ...range, from, to }, groups.includes('hour')), { groups, isWanted, limit, cursor });
    if (page.next || to === range.to) return page;
  }
}

export const encodeCursor = (position: Position, groups: readonly Group[]): string =>
  base64url.encode(JSON.stringify([groups.join(','), ...position]));

export function decodeCursor(text: string, groups: readonly Group[]): Position | null {
  try {
    const [named, ...position] = z.array(z.unknown()).parse(JSON.parse(new TextDecoder().decode(base64url.decode(text))));
    const columns = columnsFor(groups);
    if (named !== groups.join(',') || position.length !== columns.length) return null;
    return columns.map(({ positionSchema }, index) => positionSchema.parse(position[index]));
  } catch {
    return null;
  }
}
