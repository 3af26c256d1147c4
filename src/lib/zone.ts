/** Local days and hours of IANA time zones, across daylight-saving changes and offsets that are not whole hours. */
import { tzOffset } from '@date-fns/tz/tzOffset';
import { addDays, DAY_MS, dayOf, HOUR_MS, hourOf, listDays, MINUTE_MS, startOfDay } from './day.ts';
import { remember } from './remember.ts';

/** Where a UTC hour lies in a zone: by the local day in which it starts. */
export interface LocalHour {
  at: number;
  date: string;
  /** The local day in which it ends: another one where local midnight is not on a UTC hour. */
  endDate: string;
  /** 0 to 23. */
  clock: number;
  readonly hour: string;
}

const ZONE_NAME = /^[A-Za-z][\w+/-]{0,63}$/;

const spellTimeZone = remember((name: string): string | null => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
});

/** Old names that runtimes still use, with today's. Source: the time zone database, `backward` and `zone.tab` */
const TODAYS_NAMES: Readonly<Record<string, string>> = {
  'Africa/Asmera': 'Africa/Asmara',
  'America/Buenos_Aires': 'America/Argentina/Buenos_Aires',
  'America/Catamarca': 'America/Argentina/Catamarca',
  'America/Coral_Harbour': 'America/Atikokan',
  'America/Cordoba': 'America/Argentina/Cordoba',
  'America/Godthab': 'America/Nuuk',
  'America/Indianapolis': 'America/Indiana/Indianapolis',
  'America/Jujuy': 'America/Argentina/Jujuy',
  'America/Louisville': 'America/Kentucky/Louisville',
  'America/Mendoza': 'America/Argentina/Mendoza',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Atlantic/Faeroe': 'Atlantic/Faroe',
  'Europe/Kiev': 'Europe/Kyiv',
  'Pacific/Enderbury': 'Pacific/Kanton',
  'Pacific/Ponape': 'Pacific/Pohnpei',
  'Pacific/Truk': 'Pacific/Chuuk',
};

const nameOfToday = (spelled: string): string => {
  const name = TODAYS_NAMES[spelled];
  return name !== undefined && spellTimeZone(name) !== null ? name : spelled;
};

/**
 * One spelling per time zone, or null if the runtime does not know it (offsets such as `+02:00` are not names). Everything below expects
 * it: formatters are cached per spelling.
 */
export function resolveTimeZone(name: string): string | null {
  const spelled = ZONE_NAME.test(name) ? spellTimeZone(name) : null;
  return spelled === null ? null : nameOfToday(spelled);
}

/** By today's names. Not every runtime lists UTC, so it comes first. */
export const listTimeZones = (): string[] => [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone').map(nameOfToday).sort()])];

/** Offsets are slow to get and needed again and again. */
const ZONES_IN_USE = 16;
const offsetsOf = remember((zone: string) => remember((at: number) => tzOffset(zone, new Date(at)) * MINUTE_MS), ZONES_IN_USE);

/** Milliseconds ahead of UTC. */
const offsetAt = (at: number, zone: string): number => (zone === 'UTC' ? 0 : offsetsOf(zone)(at));

export const localDayOf = (at: number, zone: string): string => dayOf(at + offsetAt(at, zone));

/** 0 to 23. */
export const localHourOf = (at: number, zone: string): number => hourOf(at + offsetAt(at, zone));

/** To the minute. Not always midnight: a clock change may skip it. */
export function startOfLocalDay(day: string, zone: string): number {
  if (zone === 'UTC') return startOfDay(day);
  let [before, at] = [startOfDay(day) - DAY_MS, startOfDay(day) + DAY_MS];
  while (at - before > MINUTE_MS) {
    const middle = before + Math.floor((at - before) / 2 / MINUTE_MS) * MINUTE_MS;
    if (localDayOf(middle, zone) < day) before = middle;
    else at = middle;
  }
  return at;
}

/** When the local clock reaches a full hour, to the minute. On days of 23 or 25 hours that is not so many hours after the day began. */
export function instantOfLocalHour(day: string, hour: number, zone: string): number {
  const shown = startOfDay(day) + hour * HOUR_MS;
  const offsets = [offsetAt(shown - DAY_MS, zone), offsetAt(shown + DAY_MS, zone)];
  const isReached = (at: number): boolean => at + offsetAt(at, zone) >= shown;
  let [before, at] = [shown - Math.max(...offsets), shown - Math.min(...offsets)];
  if (isReached(before)) return before;
  while (at - before > MINUTE_MS) {
    const middle = before + Math.floor((at - before) / 2 / MINUTE_MS) * MINUTE_MS;
    if (isReached(middle)) at = middle;
    else before = middle;
  }
  return at;
}

const pad = (value: number): string => String(value).padStart(2, '0');

function isoWithOffset(at: number, offsetMs: number): string {
  const minutes = Math.abs(offsetMs) / MINUTE_MS;
  const offset = offsetMs === 0 ? 'Z' : `${offsetMs < 0 ? '-' : '+'}${pad(Math.trunc(minutes / 60))}:${pad(minutes % 60)}`;
  return `${new Date(at + offsetMs).toISOString().slice(0, 19)}${offset}`;
}

class PlacedHour implements LocalHour {
  readonly at: number;
  readonly date: string;
  readonly endDate: string;
  readonly clock: number;
  readonly #offset: number;
  #name: string | undefined;

  constructor(at: number, offset: number, endOffset: number) {
    this.at = at;
    this.#offset = offset;
    this.date = dayOf(at + offset);
    this.endDate = dayOf(at + HOUR_MS - 1 + endOffset);
    this.clock = hourOf(at + offset);
  }

  get hour(): string {
    this.#name ??= isoWithOffset(this.at, this.#offset);
    return this.#name;
  }
}

/** Places UTC hours in a zone, with a cache. Looks up offsets at the edges of a day, and hour by hour only where they differ. */
export function createLocalHours(zone: string): (day: string, hour: number) => LocalHour {
  const openDay = (day: string) => {
    const start = startOfDay(day);
    const offset = offsetAt(start, zone);
    return { start, offset: offset === offsetAt(start + DAY_MS, zone) ? offset : null, places: [] as LocalHour[] };
  };
  const days = new Map<string, ReturnType<typeof openDay>>();
  return (day, hour) => {
    const opened = days.get(day) ?? openDay(day);
    days.set(day, opened);
    const at = opened.start + hour * HOUR_MS;
    const offsetOf = (instant: number): number => opened.offset ?? offsetAt(instant, zone);
    const found = opened.places[hour] ?? new PlacedHour(at, offsetOf(at), offsetOf(at + HOUR_MS - 1));
    opened.places[hour] = found;
    return found;
  };
}

/**
 * Finds the UTC hours in a range that start at a local day and hour (0 to 23). Clock changes skip some hours (none found) and repeat
 * others (two).
 */
export function createClockHours(from: string, to: string, zone: string): (date: string, clock: number) => readonly number[] {
  const place = createLocalHours(zone);
  const found = new Map<string, number[]>();
  for (const day of listDays(from, to)) {
    for (let hour = 0; hour < 24; hour++) {
      const { at, date, clock } = place(day, hour);
      const name = `${date} ${clock}`;
      found.set(name, [...(found.get(name) ?? []), at]);
    }
  }
  return (date, clock) => found.get(`${date} ${clock}`) ?? [];
}

/** UTC days that may contain hours of these local days: offsets stay below a day. */
export function utcDaysOf(from: string, to: string, zone: string): { from: string; to: string } {
  return zone === 'UTC' ? { from, to } : { from: dayOf(startOfDay(from) - DAY_MS), to: addDays(to, 1) };
}
