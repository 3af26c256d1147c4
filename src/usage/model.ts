/** Questions about spend, and the step from ledger rows to the facts that answers sum. Pure. */
import * as z from 'zod';
import { addDays, countDays, isDay } from '../lib/day.ts';
import { digitsSchema, idSchema } from '../lib/id.ts';
import { createLocalHours, type LocalHour, localDayOf, resolveTimeZone } from '../lib/zone.ts';
import { type Amounts, type Measures, measuresOf } from './sums/measures.ts';

/** The source that the ledger takes for a day. */
export type Source = 'counters' | 'analytics';

/** A key's UTC day by one source; with analytics, one model and provider of it. */
export interface LedgerRow {
  keyId: number;
  day: string;
  source: Source;
  model: string | null;
  permaslug: string | null;
  provider: string | null;
  total: Amounts;
  /** By UTC hour. The rest of the total has no known hour. */
  hours: Readonly<Record<number, Amounts>>;
  isEstimated: boolean;
}

/** Local dates, inclusive: `tz` as asked for, `zone` as the runtime spells it. */
export interface Range {
  from: string;
  to: string;
  tz: string;
  zone: string;
}

/** An amount with everything that a question can group or filter by. */
export interface Fact {
  keyId: number;
  date: string;
  hour: string | null;
  /** Start of the hour in UTC, for sorting: a zone's clock may go back. */
  hourAt: number | null;
  source: Source;
  model: string | null;
  permaslug: string | null;
  provider: string | null;
  measures: Measures;
}

/** An approximate date: spend was shared over a gap, or only the UTC day is known, or only an hour that contains local midnight. */
export type Mark = Pick<Fact, 'keyId' | 'date' | 'model' | 'permaslug' | 'provider'>;

/** Dimensions that spend can be grouped by. */
export const DIMENSIONS = ['model', 'key', 'provider'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export type ByDimension<T> = Readonly<Record<Dimension, readonly T[]>>;
export type FactsBy = ByDimension<Fact> & { readonly marks: readonly Mark[] };

/** Rows with every dimension, and for rolled-up days rows with one. */
export interface LedgerRows {
  detailed: readonly LedgerRow[];
  summed: ByDimension<LedgerRow>;
}

const MAX_RANGE_DAYS = 366;
const DEFAULT_RANGE_DAYS = 30;
export const GROUPS = ['hour', 'day', 'model', 'provider', 'key'] as const;
export type Group = (typeof GROUPS)[number];

export const daySchema = z.string().refine(isDay, 'Must be a date like 2026-01-31').meta({ format: 'date' });

export const tzSchema = z
  .string()
  .max(100)
  .refine((name) => resolveTimeZone(name) !== null, 'Must be an IANA time zone like Europe/Rome')
  .overwrite((name) => resolveTimeZone(name) ?? name);

const rangeFields = {
  from: daySchema.optional().describe('First day, inclusive. Default: 29 days before `to`'),
  to: daySchema.optional().describe('Last day, inclusive. Default: today'),
  tz: tzSchema.default('UTC'),
  key_id: idSchema.optional().describe('Only this key'),
};

export const statsQuerySchema = z.strictObject(rangeFields);
export type StatsQuery = z.infer<typeof statsQuerySchema>;

const groupBySchema = z
  .string()
  .default('day')
  .transform((text, context): Group[] => {
    const groups = text.split(',');
    const parsed = z.array(z.enum(GROUPS)).min(1).max(2).safeParse(groups);
    if (parsed.success && new Set(groups).size === groups.length) return parsed.data;
    context.addIssue({ code: 'custom', message: `Must be one or two of ${GROUPS.join(', ')}, separated by a comma` });
    return z.NEVER;
  })
  .meta({ description: 'One or two of hour, day, model, provider, key, separated by a comma', example: 'day,key' });

export const usageQuerySchema = z.strictObject({
  ...rangeFields,
  group_by: groupBySchema,
  model: z.string().max(300).optional().describe('Slug or permaslug'),
  provider: z.string().max(300).optional(),
  limit: digitsSchema(1, 1000, 'Must be a whole number from 1 to 1000').default(100),
  cursor: z.string().max(2000).optional().describe('`next_cursor` of the page before'),
  format: z.enum(['json', 'csv']).optional().describe('Default: what `Accept` prefers'),
  bom: z
    .enum(['true', 'false'])
    .default('false')
    .describe('CSV only: starts the first page with a byte order mark, so that spreadsheets detect UTF-8'),
});
export type UsageQuery = z.infer<typeof usageQuerySchema>;

export const reconciliationQuerySchema = z.strictObject({
  from: rangeFields.from,
  to: rangeFields.to,
  key_id: rangeFields.key_id,
  limit: usageQuerySchema.shape.limit,
  cursor: usageQuerySchema.shape.cursor,
});
export type ReconciliationQuery = z.infer<typeof reconciliationQuerySchema>;

export function rangeProblem({ from, to }: Pick<Range, 'from' | 'to'>): string | null {
  const days = countDays(from, to);
  if (days < 1) return 'Start date must not be after end date';
  return days > MAX_RANGE_DAYS ? `Range is limited to ${MAX_RANGE_DAYS} days` : null;
}

/** Default: the last 30 days in the zone. */
export function resolveRange(query: Pick<StatsQuery, 'from' | 'to' | 'tz'>, now: number): Range {
  const zone = resolveTimeZone(query.tz) ?? 'UTC';
  const to = query.to ?? localDayOf(now, zone);
  return { from: query.from ?? addDays(to, 1 - DEFAULT_RANGE_DAYS), to, tz: query.tz, zone };
}

interface Piece {
  date: string;
  hour: LocalHour | null;
  amounts: (number | null)[];
  hasUnplaced: boolean;
  /** The next day, if some of it may belong there. */
  spill: string | null;
}

export const isSome = (amounts: Amounts): boolean => amounts.some((amount) => amount !== null && amount !== 0);

function pieceAt(pieces: Piece[], date: string, hour: LocalHour | null, width: number): Piece {
  for (const piece of pieces) if (piece.date === date && piece.hour === hour) return piece;
  const piece: Piece = { date, hour, amounts: Array<number | null>(width).fill(null), hasUnplaced: false, spill: null };
  pieces.push(piece);
  return piece;
}

function addAmountsTo(to: (number | null)[], amounts: Amounts): void {
  for (let index = 0; index < to.length; index++) {
    const amount = amounts[index] ?? null;
    if (amount !== null) to[index] = (to[index] ?? 0) + amount;
  }
}

/** In place; unknown amounts stay unknown. */
function takeAmountsFrom(from: (number | null)[], amounts: Amounts): void {
  for (let index = 0; index < from.length; index++) {
    const left = from[index] ?? null;
    if (left !== null) from[index] = left - (amounts[index] ?? 0);
  }
}

/** Spend without an hour goes to the local day of noon UTC. In place: ranges have tens of thousands of hours. */
function piecesOf(row: LedgerRow, localHours: (day: string, hour: number) => LocalHour, withHours: boolean): Piece[] {
  const pieces: Piece[] = [];
  const rest = row.total.slice();
  const { day, hours } = row;
  for (const hour in hours) {
    const amounts = hours[hour];
    if (amounts === undefined) continue;
    const place = localHours(day, Number(hour));
    const piece = pieceAt(pieces, place.date, withHours ? place : null, rest.length);
    addAmountsTo(piece.amounts, amounts);
    takeAmountsFrom(rest, amounts);
    if (place.endDate !== place.date && isSome(amounts)) piece.spill = place.endDate;
  }
  if (isSome(rest)) {
    const piece = pieceAt(pieces, localHours(day, 12).date, null, rest.length);
    piece.hasUnplaced = true;
    addAmountsTo(piece.amounts, rest);
  }
  return pieces;
}

const factOf = (row: LedgerRow, date: string, hour: LocalHour | null, amounts: Amounts): Fact => ({
  keyId: row.keyId,
  source: row.source,
  model: row.model,
  permaslug: row.permaslug,
  provider: row.provider,
  date,
  hour: hour?.hour ?? null,
  hourAt: hour?.at ?? null,
  measures: measuresOf(amounts),
});

/** In UTC a day is one fact unless hours are asked for. */
function readFacts(rows: readonly LedgerRow[], range: Range, withHours: boolean): { facts: Fact[]; marks: Mark[] } {
  const localHours = createLocalHours(range.zone);
  const isUtc = range.zone === 'UTC';
  const [facts, marks]: [Fact[], Mark[]] = [[], []];
  const isIn = (date: string): boolean => date >= range.from && date <= range.to;
  const mark = ({ keyId, model, permaslug, provider }: LedgerRow, date: string): void => {
    if (isIn(date)) marks.push({ keyId, date, model, permaslug, provider });
  };
  for (const row of rows) {
    if (!isSome(row.total)) continue;
    if (isUtc && !withHours) {
      if (isIn(row.day)) facts.push(factOf(row, row.day, null, row.total));
      if (row.isEstimated) mark(row, row.day);
      continue;
    }
    for (const { date, hour, amounts, hasUnplaced, spill } of piecesOf(row, localHours, withHours)) {
      if (isIn(date)) facts.push(factOf(row, date, hour, amounts));
      if (spill !== null || (hasUnplaced && (!isUtc || row.isEstimated))) mark(row, date);
      if (spill !== null) mark(row, spill);
    }
  }
  return { facts, marks };
}

export const factsOf = (rows: readonly LedgerRow[], range: Range, withHours: boolean): Fact[] => readFacts(rows, range, withHours).facts;

/** By one dimension each, with the approximate dates. */
export function factsBy({ detailed, summed }: LedgerRows, range: Range, withHours: boolean): FactsBy {
  const { facts, marks } = readFacts(detailed, range, withHours);
  const [model, key, provider] = [summed.model, summed.key, summed.provider].map((rows) => readFacts(rows, range, withHours));
  const of = (read: typeof model) => (read && read.facts.length > 0 ? [...read.facts, ...facts] : facts);
  return { model: of(model), key: of(key), provider: of(provider), marks: [...(key?.marks ?? []), ...marks] };
}

export const byEach = <T>(all: readonly T[]): ByDimension<T> => ({ model: all, key: all, provider: all });

export const approximateDays = (marks: readonly Mark[]): string[] => [...new Set(marks.map(({ date }) => date))].sort();
