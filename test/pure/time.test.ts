import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays, countDays, DAY_MS, dayOf, HOUR_MS, hourOf, isDay, listDays, startOfDay } from '../../src/lib/day.ts';
import {
  createClockHours,
  createLocalHours,
  listTimeZones,
  localDayOf,
  localHourOf,
  resolveTimeZone,
  utcDaysOf,
} from '../../src/lib/zone.ts';

const DAY = fc.integer({ min: 0, max: 40_000 }).map((days) => dayOf(days * DAY_MS));
const ZONES = Intl.supportedValuesOf('timeZone');

/** The local date and hour as the runtime's own formatter says. */
function formatted(at: number, timeZone: string) {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const value = Object.fromEntries(parts.formatToParts(at).map(({ type, value: text }) => [type, text]));
  return { date: `${value['year']}-${value['month']}-${value['day']}`, time: `${value['hour']}:${value['minute']}` };
}

describe('UTC days', () => {
  it('adds, counts and lists', () => {
    fc.assert(
      fc.property(DAY, fc.integer({ min: 0, max: 800 }), (day, count) => {
        const end = addDays(day, count);
        expect(countDays(day, end)).toBe(count + 1);
        expect(listDays(day, end)).toHaveLength(count + 1);
        expect(listDays(day, end).at(-1)).toBe(end);
        expect(dayOf(startOfDay(day))).toBe(day);
      }),
    );
    expect(listDays('2026-02-27', '2026-03-01')).toEqual(['2026-02-27', '2026-02-28', '2026-03-01']);
    expect(listDays('2026-03-02', '2026-03-01')).toEqual([]);
    expect(hourOf(Date.parse('2026-03-01T23:59:59.999Z'))).toBe(23);
  });

  it('knows the calendar', () => {
    expect(['2026-02-28', '2024-02-29', '1970-01-01'].every(isDay)).toBe(true);
    expect(
      ['0000-01-05', '9999-01-01', '2026-02-29', '2026-13-01', '2026-1-1', '', '2026-01-01T00:00:00Z', 'yesterday', '2026-00-10'].some(
        isDay,
      ),
    ).toBe(false);
  });
});

describe('time zones', () => {
  it('places every hour where the runtime’s own formatter does, in all zones', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.integer({ min: 18_262, max: 22_000 }),
        fc.integer({ min: 0, max: 23 }),
        (zone, days, hour) => {
          const day = dayOf(days * DAY_MS);
          const at = startOfDay(day) + hour * HOUR_MS;
          const place = createLocalHours(zone)(day, hour);
          const expected = formatted(at, zone);
          expect(place.date).toBe(expected.date);
          expect(place.hour.slice(0, 16)).toBe(`${expected.date}T${expected.time}`);
          expect(Date.parse(place.hour)).toBe(at);
          expect(localDayOf(at, zone)).toBe(expected.date);
          const range = utcDaysOf(expected.date, expected.date, zone);
          expect(range.from <= day && day <= range.to).toBe(true);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('follows daylight saving within a day', () => {
    const place = createLocalHours('Europe/Rome');
    expect([0, 1].map((hour) => place('2026-10-25', hour).hour)).toEqual(['2026-10-25T02:00:00+02:00', '2026-10-25T02:00:00+01:00']);
    expect(createLocalHours('UTC')('2026-10-25', 1)).toMatchObject({ date: '2026-10-25', hour: '2026-10-25T01:00:00Z' });
    expect(createLocalHours('Asia/Kolkata')('2026-10-25', 19)).toMatchObject({ date: '2026-10-26', hour: '2026-10-26T00:30:00+05:30' });
    expect(createLocalHours('America/New_York')('2026-10-25', 1).hour).toBe('2026-10-24T21:00:00-04:00');
  });

  it('finds every hour by its clock, none where it is left out and two where it is repeated', () => {
    const find = (zone: string, day: string, clock: number) =>
      createClockHours(addDays(day, -2), addDays(day, 2), zone)(day, clock).map((at) => new Date(at).toISOString().slice(5, 16));
    expect([1, 2, 3].map((clock) => find('Europe/Zurich', '2026-03-29', clock))).toEqual([['03-29T00:00'], [], ['03-29T01:00']]);
    expect([2, 3].map((clock) => find('Europe/Zurich', '2026-10-25', clock))).toEqual([['10-25T00:00', '10-25T01:00'], ['10-25T02:00']]);
    // Half an hour: from 2:00 to 2:30, and from 2:00 to 1:30.
    expect([1, 2, 3].map((clock) => find('Australia/Lord_Howe', '2026-10-04', clock))).toEqual([['10-03T15:00'], [], ['10-03T16:00']]);
    expect([1, 2].map((clock) => find('Australia/Lord_Howe', '2026-04-05', clock))).toEqual([
      ['04-04T14:00', '04-04T15:00'],
      ['04-04T16:00'],
    ]);
    expect(find('Asia/Kolkata', '2026-10-25', 0)).toEqual(['10-24T19:00']);
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), fc.integer({ min: 18_262, max: 22_000 }), fc.nat({ max: 23 }), (zone, days, hour) => {
        const at = (days * 24 + hour) * HOUR_MS;
        expect(createClockHours(dayOf(at), dayOf(at), zone)(localDayOf(at, zone), localHourOf(at, zone))).toContain(at);
      }),
    );
  });

  it('offers each zone once, by a name that it is stored by', () => {
    const offered = listTimeZones();
    expect(offered).toEqual(expect.arrayContaining(['UTC', 'Asia/Kolkata', 'Europe/Kyiv', 'Asia/Yangon', 'America/Nuuk', 'Europe/Rome']));
    expect(offered).not.toContain('Asia/Calcutta');
    expect(offered.filter((name) => resolveTimeZone(name) !== name)).toEqual([]);
    expect(new Set(offered).size).toBe(offered.length);
    const isOffered = new Set(offered);
    expect(Intl.supportedValuesOf('timeZone').filter((name) => !isOffered.has(resolveTimeZone(name) ?? ''))).toEqual([]);
  });

  it('knows the names', () => {
    expect(['UTC', 'Europe/Rome', 'america/new_york', 'Etc/UTC', 'utc'].map(resolveTimeZone)).toEqual([
      'UTC',
      'Europe/Rome',
      'America/New_York',
      'UTC',
      'UTC',
    ]);
    expect(resolveTimeZone('Asia/Kolkata')).toBe(resolveTimeZone('Asia/Calcutta'));
    for (const [old, today] of [
      ['Asia/Calcutta', 'Asia/Kolkata'],
      ['Europe/Kiev', 'Europe/Kyiv'],
      ['Asia/Katmandu', 'Asia/Kathmandu'],
      ['Asia/Rangoon', 'Asia/Yangon'],
      ['Asia/Saigon', 'Asia/Ho_Chi_Minh'],
      ['America/Godthab', 'America/Nuuk'],
      ['america/buenos_aires', 'America/Argentina/Buenos_Aires'],
    ] as const)
      expect([resolveTimeZone(old), resolveTimeZone(today)]).toEqual([today, today]);
    expect(['', 'Mars/Olympus', '+02:00', 'Europe', '../etc'].map(resolveTimeZone)).toEqual([null, null, null, null, null]);
  });
});
