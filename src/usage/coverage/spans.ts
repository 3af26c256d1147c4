import { dayOf, startOfDay } from '../../lib/day.ts';

export interface Known {
  since: number;
  until: number;
}

export const spanOf = (since: number | null, until: number | null): Known | null =>
  since === null || until === null ? null : { since, until };

export const spanOfAll = (spans: readonly Known[]): Known | null =>
  spans.length === 0 ? null : { since: Math.min(...spans.map(({ since }) => since)), until: Math.max(...spans.map(({ until }) => until)) };

export function commonSpan(spans: readonly Known[]): Known | null {
  const [since, until] = [Math.max(...spans.map((span) => span.since)), Math.min(...spans.map((span) => span.until))];
  return spans.length > 0 && until > since ? { since, until } : null;
}

export const clip = (known: Known | null, keptSince: number): Known | null =>
  known === null || known.until < keptSince ? null : { since: Math.max(known.since, keptSince), until: known.until };

export const overlaps = (a: Known, b: Known): boolean => a.since < b.until && b.since < a.until;

export function mergeSpans(spans: readonly Known[]): Known[] {
  const merged: Known[] = [];
  for (const { since, until } of spans.toSorted((a, b) => a.since - b.since)) {
    const last = merged.at(-1);
    if (last && since <= last.until) last.until = Math.max(last.until, until);
    else merged.push({ since, until });
  }
  return merged;
}

/** Is any part of the UTC day inside? */
export const isWithin = (day: string, known: Known): boolean => dayOf(known.since) <= day && known.until > startOfDay(day);
