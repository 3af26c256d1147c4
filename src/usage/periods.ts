import * as z from 'zod';
import { addDays, countDays, startOfMonth } from '../lib/day.ts';
import { localDayOf, resolveTimeZone } from '../lib/zone.ts';
import { daySchema, type Range, tzSchema } from './model.ts';

export const PRESETS = ['today', '7d', '30d', '90d', 'month', 'custom'] as const;
export type Preset = (typeof PRESETS)[number];

export const emptyAsAbsent = <T extends z.ZodType>(schema: T) => z.preprocess((value) => (value === '' ? undefined : value), schema);

export const oneOf = <const T extends readonly string[]>(names: T) => z.enum(names, `Must be one of ${names.join(', ')}`);

export const periodFields = {
  range: emptyAsAbsent(oneOf(PRESETS).default('30d')),
  from: emptyAsAbsent(daySchema.optional()),
  to: emptyAsAbsent(daySchema.optional()),
  tz: emptyAsAbsent(tzSchema.optional()),
};

const periodSchema = z.object(periodFields);
export type Period = z.infer<typeof periodSchema>;

const LENGTHS: Partial<Record<Preset, number>> = { today: 1, '7d': 7, '30d': 30, '90d': 90 };

export function resolvePeriod(period: Period, now: number, viewerZone: string): Range {
  const tz = period.tz ?? viewerZone;
  const zone = resolveTimeZone(tz) ?? 'UTC';
  const today = localDayOf(now, zone);
  if (period.range === 'custom') {
    const to = period.to ?? today;
    return { from: period.from ?? addDays(to, -29), to, tz, zone };
  }
  const from = period.range === 'month' ? startOfMonth(today) : addDays(today, 1 - (LENGTHS[period.range] ?? 1));
  return { from, to: today, tz, zone };
}

export function periodBefore(range: Range): Range {
  const to = addDays(range.from, -1);
  return { ...range, from: addDays(to, 1 - countDays(range.from, range.to)), to };
}

export const periodQuery = ({ range, from, to, tz }: Period) => ({ range, ...(range === 'custom' && { from, to }), tz });

/** In one order, without empty fields. */
export function queryOf(fields: Record<string, string | number | readonly (string | number)[] | undefined>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== '') parameters.append(name, String(one));
  }
  return parameters.toString();
}
