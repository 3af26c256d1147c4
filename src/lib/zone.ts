/**
 * Local days and hours of an IANA time zone, over daylight-saving changes and zones that are not whole hours from UTC.
 */
import { tzOffset } from '@date-fns/tz/tzOffset';
import { addDays, DAY_MS, dayOf, HOUR_MS, hourOf, listDays, MINUTE_MS, startOfDay } from './day.ts';
import { remember } from './remember.ts';

/** The place of a ledger hour in a zone: the local day in which it starts, and its start with the zone's own offset. */
export interface LocalHour {
  /** The instant at which it starts. */
  at: number;
  date: string;
  /** The local day in which it ends: the next one, where local midnight does not fall on an hour of UTC. */
  endDate: string;
  /** Of the local clock, 0 to 23. */
  clock: number;
  readonly hour: string;
}

/** What a zone's name looks like: nothing else is worth remembering. */
const ZONE_NAME = /^[A-Za-z][\w+/-]{0,63}$/;

const spellTimeZone = remember((name: string): string | null => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
});

/** Names that runtimes go on giving to zones, and what people call those today. Source: the time zone database, `backward` and `zone.tab` */
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

/** Today's name of a zone, where the runtime knows it. */
const nameOfToday = (spelled: string): string => {
  const name = TODAYS_NAMES[spelled];
  return name !== undefined && spellTimeZone(name) !== null ? name : spelled;
};

/**
 * One spelling for each time zone, whichever of its names was given, or null if the runtime knows none. Offsets such as `+02:00` are not
 * names. Everything below takes this spelling: formatters are kept for each one that occurs, so there must not be more of them than zones.
 */
export function resolveTimeZone(name: string): string | null {
  const spelled = ZONE_NAME.test(name) ? spellTimeZone(name) : null;
  return spelled === null ? null : nameOfToday(spelled);
}

/** The zones to choose from, by their names of today; UTC comes first, which is not among the runtime's names everywhere. */
export const listTimeZones = (): string[] => [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone').map(nameOfToday).sort()])];

/** Asking the runtime for an offset is dear, and pages ask for those of the same days again and again. */
const ZONES_IN_USE = 16;
const offsetsOf = remember((zone: string) => remember((at: number) => tzOffset(zone, new Date(at)) * MINUTE_MS), ZONES_IN_USE);

/** By how much a zone's clock is ahead of UTC, in milliseconds. */
const offsetAt = (at: number, zone: string): number => (zone === 'UTC' ? 0 : offsetsOf(zone)(at));

/** The local day of an instant. */
export const localDayOf = (at: number, zone: string): string => dayOf(at + offsetAt(at, zone));

/** The hour of the local clock, 0 to 23, at an instant. */
export const localHourOf = (at: number, zone: string): number => hourOf(at + offsetAt(at, zone));

/** The first instant (to the minute) of a local day: not always its midnight, which a change of the clock may leave out. */
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

/**
 * The first instant (to the minute) at which the clock of a local day shows a full hour or later: on days of 23 or 25 hours too, where it is not
 * so many hours after the day began.
 */
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

/**
 * A function that places hours of UTC days in a zone. The offset is looked for at each day's edges, and hour by hour only in the few days in
 * which it changes; and what was placed for one key is there for the next.
 */
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
 * Finds hours by what the clock of a zone shows: the instants within some UTC days at which an hour starts that belongs to an hour, 0 to 23, of a
 * local day. A change of the clock leaves some hours out (none starts within them) and repeats others (two do).
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

/** The UTC days that can hold hours of these local days: no zone is more than a day away from UTC. */
export function utcDaysOf(from: string, to: string, zone: string): { from: string; to: string } {
  return zone === 'UTC' ? { from, to } : { from: dayOf(startOfDay(from) - DAY_MS), to: addDays(to, 1) };
}
