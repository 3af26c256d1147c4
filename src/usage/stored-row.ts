/** Stored days as questions see them. Pure. */
import { amountsOfCounters } from './measures.ts';
import type { LedgerRow } from './model.ts';
import type { counterDay, usageDay } from './table.ts';

export type StoredCounters = Omit<typeof counterDay.$inferSelect, 'userId'>;
/** The same as D1 gives it. */
export type PlainCounters = Omit<StoredCounters, 'isEstimated'> & { isEstimated: number };
export type StoredUsage = Omit<typeof usageDay.$inferSelect, 'userId'>;

/** Rows of counters with their flags as such. */
export const toCounters = (rows: readonly PlainCounters[]): StoredCounters[] =>
  rows.map((row) => ({ ...row, isEstimated: row.isEstimated === 1 }));

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const NO_HOURS: LedgerRow['hours'] = {};
const NO_CREDITS: readonly null[] = [];

/** A row whose hours are parsed when they are asked for: most questions ask for days, and hours are most of the bytes. */
export class StoredRow implements LedgerRow {
  readonly #stored: string | null;
  #hours: LedgerRow['hours'] | undefined;
  #credits: readonly (number | null)[] | undefined;

  readonly keyId: number;
  readonly day: string;
  readonly source: LedgerRow['source'];
  readonly model: string | null;
  readonly permaslug: string | null;
  readonly provider: string | null;
  readonly total: LedgerRow['total'];
  readonly isEstimated: boolean;

  /** @param stored its hours as `hoursOf` selects them */
  constructor(row: Omit<LedgerRow, 'hours'>, stored: string | null) {
    this.keyId = row.keyId;
    this.day = row.day;
    this.source = row.source;
    this.model = row.model;
    this.permaslug = row.permaslug;
    this.provider = row.provider;
    this.total = row.total;
    this.isEstimated = row.isEstimated;
    this.#stored = stored;
  }

  get hours(): LedgerRow['hours'] {
    if (this.#stored === null) return NO_HOURS;
    this.#hours ??= this.#areCredits ? hoursOfCredits(this.credits) : (JSON.parse(this.#stored) as LedgerRow['hours']);
    return this.#hours;
  }

  /** Credits by hour, in nano-dollars; null, or missing: nothing is known of the hour. */
  get credits(): readonly (number | null)[] {
    if (this.#stored === null) return NO_CREDITS;
    this.#credits ??= this.#areCredits ? (JSON.parse(this.#stored) as (number | null)[]) : creditsOfHours(this.hours);
    return this.#credits;
  }

  get #areCredits(): boolean {
    return this.#stored?.startsWith('[') === true;
  }
}

const hoursOfCredits = (credits: readonly (number | null)[]): LedgerRow['hours'] =>
  Object.fromEntries(credits.flatMap((nano, hour) => (nano === null ? [] : [[hour, [nano]]])));

const creditsOfHours = (hours: LedgerRow['hours']): readonly (number | null)[] => HOURS.map((hour) => hours[hour]?.[0] ?? null);

/** A stored row of counters as questions see it. */
const fromCounters = (row: StoredCounters): StoredRow =>
  new StoredRow(
    {
      keyId: row.apiKeyId,
      day: row.day,
      source: 'counters',
      model: null,
      permaslug: null,
      provider: null,
      total: amountsOfCounters(row),
      isEstimated: row.isEstimated,
    },
    row.hours,
  );

/** A stored row of analytics, of a key and with its model's name for people. */
export type NamedUsage = StoredUsage & { keyId: number; slug: string | null };

const fromUsage = (row: NamedUsage): StoredRow =>
  new StoredRow(
    {
      keyId: row.keyId,
      day: row.day,
      source: 'analytics',
      model: row.slug,
      permaslug: row.model === '' ? null : row.model,
      provider: row.provider === '' ? null : row.provider,
      total: [row.costNano, row.byokCostNano, row.requests, row.promptTokens, row.completionTokens, row.reasoningTokens, row.cachedTokens],
      isEstimated: false,
    },
    row.hours,
  );

/** A model's name for people, by its versioned one. */
export interface ModelName {
  permaslug: string;
  slug: string | null;
}

/** Models' names for people, by their versioned ones; null where that is '', which is unknown. */
export function slugsOf(names: readonly ModelName[]): (permaslug: string) => string | null {
  const slugs = new Map(names.map(({ permaslug, slug }) => [permaslug, slug]));
  return (permaslug) => (permaslug === '' ? null : (slugs.get(permaslug) ?? permaslug));
}

/** Rows of analytics with the keys that they belong to and their models' names for people. Rows of keys that are gone are left out. */
export function nameUsage(
  rows: readonly StoredUsage[],
  upstreamKeys: readonly { id: number; apiKeyId: number }[],
  names: readonly ModelName[],
): NamedUsage[] {
  const keyIds = new Map(upstreamKeys.map(({ id, apiKeyId }) => [id, apiKeyId]));
  const slugOf = slugsOf(names);
  return rows.flatMap((row) => {
    const keyId = keyIds.get(row.upstreamKeyId);
    return keyId === undefined ? [] : { ...row, keyId, slug: slugOf(row.model) };
  });
}

/** A stored row as questions see it. */
export const toLedgerRow = (row: StoredCounters | NamedUsage): StoredRow => ('slug' in row ? fromUsage(row) : fromCounters(row));
