import type { LedgerRow } from '../model.ts';
import { amountsOfCounters } from '../sums/measures.ts';
import type { accountCheck, accountDay, keyDay, usageDay } from '../table.ts';

/** As D1 returns it. */
export type StoredKeyDay = Omit<typeof keyDay.$inferSelect, 'userId' | 'isEstimated'> & { isEstimated: boolean | number };
export type StoredUsage = Omit<typeof usageDay.$inferSelect, 'userId'>;
export type StoredTotal = Omit<typeof accountDay.$inferSelect, 'userId'>;
export type StoredCheck = Omit<typeof accountCheck.$inferSelect, 'userId'>;

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const NO_HOURS: LedgerRow['hours'] = {};
const NO_CREDITS: readonly null[] = [];

/** Parses its hours on demand: they are most of the bytes, and most questions ask for days. */
export class StoredRow implements LedgerRow {
  readonly #stored: string | LedgerRow['hours'] | null;
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

  /** @param stored the hours, also in the form of `hoursOf` */
  constructor(row: Omit<LedgerRow, 'hours'>, stored: string | LedgerRow['hours'] | null) {
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

  get hasHours(): boolean {
    return this.#stored !== null;
  }

  get hours(): LedgerRow['hours'] {
    this.#hours ??= this.#readHours();
    return this.#hours;
  }

  get credits(): readonly (number | null)[] {
    if (this.#stored === null) return NO_CREDITS;
    this.#credits ??= isCredits(this.#stored) ? (JSON.parse(this.#stored) as (number | null)[]) : creditsOfHours(this.hours);
    return this.#credits;
  }

  #readHours(): LedgerRow['hours'] {
    if (this.#stored === null) return NO_HOURS;
    if (typeof this.#stored === 'object') return this.#stored;
    return isCredits(this.#stored) ? hoursOfCredits(this.credits) : (JSON.parse(this.#stored) as LedgerRow['hours']);
  }
}

const isCredits = (stored: string | LedgerRow['hours']): stored is string => typeof stored === 'string' && stored.startsWith('[');

const hoursOfCredits = (credits: readonly (number | null)[]): LedgerRow['hours'] =>
  Object.fromEntries(credits.flatMap((nano, hour) => (nano === null ? [] : [[hour, [nano]]])));

const creditsOfHours = (hours: LedgerRow['hours']): readonly (number | null)[] => HOURS.map((hour) => hours[hour]?.[0] ?? null);

export type CountedDay = StoredKeyDay & { keyId: number };

const fromCounters = (row: CountedDay): StoredRow =>
  new StoredRow(
    {
      keyId: row.keyId,
      day: row.day,
      source: 'counters',
      model: null,
      permaslug: null,
      provider: null,
      total: amountsOfCounters(row),
      isEstimated: Boolean(row.isEstimated),
    },
    row.hours,
  );

export type NamedUsage = Omit<StoredUsage, 'upstreamKeyId'> & { keyId: number; slug: string | null };

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

export interface ModelName {
  permaslug: string;
  slug: string | null;
}

/** Null for '', which is unknown. */
export function slugsOf(names: readonly ModelName[]): (permaslug: string) => string | null {
  const slugs = new Map(names.map(({ permaslug, slug }) => [permaslug, slug]));
  return (permaslug) => (permaslug === '' ? null : (slugs.get(permaslug) ?? permaslug));
}

export const toLedgerRow = (row: CountedDay | NamedUsage): StoredRow => ('slug' in row ? fromUsage(row) : fromCounters(row));
