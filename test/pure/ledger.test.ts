import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS, dayOf, HOUR_MS, MINUTE_MS, SECOND_MS, startOfDay } from '../../src/lib/day.ts';
import { addPosting, type DayAmounts, postSample, type Sample, type SampleSeries } from '../../src/usage/booking/counters.ts';

const at = (text: string): number => Date.parse(text);
const counter = (totalNano: number, todayNano: number) => ({ totalNano, todayNano });
const sample = (time: string, total: number, today: number, byok = counter(0, 0)): Sample => ({
  at: at(time),
  credits: counter(total, today),
  byok,
});
const series = (last: Sample, startedAt = at('2026-01-01T00:00:00Z')): SampleSeries => ({ last, startedAt });

/** day → cost, and the hours of it that are placed. */
const brief = (days: DayAmounts[]) =>
  Object.fromEntries(
    days.map((day) => [day.day, [day.costNano, Object.fromEntries(Object.entries(day.hours).map(([hour, [cost]]) => [hour, cost]))]]),
  );

describe('posting a sample', () => {
  it('books of the first sample what was spent today, without hours', () => {
    expect(brief(postSample(null, sample('2026-11-15T10:00:00Z', 900, 200)))).toEqual({ '2026-11-15': [200, {}] });
    expect(brief(postSample(null, sample('2026-11-15T10:00:00Z', 150, 200)))).toEqual({ '2026-11-15': [150, {}] });
    expect(postSample(null, sample('2026-11-15T10:00:00Z', 900, 0))).toEqual([]);
  });

  it('places what was spent within the day on the hour of the interval’s middle', () => {
    const last = sample('2026-11-15T10:03:00Z', 900, 200);
    expect(brief(postSample(series(last), sample('2026-11-15T11:03:00Z', 950, 250)))).toEqual({ '2026-11-15': [50, { 10: 50 }] });
  });

  it('leaves unplaced what was spent in more than two hours', () => {
    const last = sample('2026-11-15T10:03:00Z', 900, 200);
    expect(brief(postSample(series(last), sample('2026-11-15T12:03:01Z', 950, 250)))).toEqual({ '2026-11-15': [50, {}] });
    expect(brief(postSample(series(last), sample('2026-11-15T12:03:00Z', 950, 250)))).toEqual({ '2026-11-15': [50, { 11: 50 }] });
  });

  it('divides at midnight by today’s own counter', () => {
    const last = sample('2026-11-14T23:03:00Z', 900, 200);
    expect(brief(postSample(series(last), sample('2026-11-15T00:03:00Z', 1000, 30)))).toEqual({
      '2026-11-15': [30, { 0: 30 }],
      '2026-11-14': [70, { 23: 70 }],
    });
  });

  it('gives to yesterday what surfaced late, if the key was watched yesterday', () => {
    const last = sample('2026-11-15T00:00:05Z', 900, 0);
    const next = sample('2026-11-15T00:03:00Z', 950, 20);
    expect(brief(postSample(series(last), next))).toEqual({ '2026-11-15': [20, { 0: 20 }], '2026-11-14': [30, { 23: 30 }] });
    expect(brief(postSample(series(last, last.at), next))).toEqual({ '2026-11-15': [50, { 0: 50 }] });
  });

  it('keeps today what exceeds today’s counter later in the day, or where that counter fell', () => {
    const noon = sample('2026-11-15T12:00:00Z', 900, 10);
    expect(brief(postSample(series(noon), sample('2026-11-15T13:00:00Z', 950, 20)))).toEqual({ '2026-11-15': [50, { 12: 50 }] });
    const early = sample('2026-11-15T00:01:00Z', 900, 10);
    expect(brief(postSample(series(early), sample('2026-11-15T00:03:00Z', 950, 0)))).toEqual({ '2026-11-15': [50, { 0: 50 }] });
  });

  it('shares a longer gap out by time, estimated and without hours', () => {
    const last = sample('2026-11-12T12:00:00Z', 1000, 0);
    const days = postSample(series(last), sample('2026-11-15T01:00:00Z', 1110, 10));
    expect(brief(days)).toEqual({
      '2026-11-15': [10, { 0: 10 }],
      '2026-11-12': [20, {}],
      '2026-11-13': [40, {}],
      '2026-11-14': [40, {}],
    });
    expect(days.map((day) => day.isEstimated)).toEqual([false, true, true, true]);
  });

  it('records a shrinking counter as a correction and makes no day negative', () => {
    const last = sample('2026-11-15T10:00:00Z', 900, 200);
    const [day] = postSample(series(last), sample('2026-11-15T11:00:00Z', 850, 210));
    expect(day).toMatchObject({ costNano: 10, correctionNano: -60 });
    const [tomorrow] = postSample(series(last), sample('2026-11-16T11:00:00Z', 850, 5));
    expect(tomorrow).toMatchObject({ day: '2026-11-16', costNano: 5, correctionNano: -55 });
  });

  it('keeps BYOK apart', () => {
    const last = sample('2026-11-15T10:00:00Z', 900, 200, counter(50, 50));
    const [day] = postSample(series(last), sample('2026-11-15T11:00:00Z', 901, 201, counter(57, 57)));
    expect(day).toMatchObject({ costNano: 1, byokCostNano: 7, hours: { 10: [1, 7] } });
  });

  it('drops a sample that is not newer than the last', () => {
    const last = sample('2026-11-15T10:00:00Z', 900, 200);
    expect(postSample(series(last), sample('2026-11-15T10:00:00Z', 950, 250))).toEqual([]);
    expect(postSample(series(last), sample('2026-11-15T09:00:00Z', 950, 250))).toEqual([]);
  });

  it('adds a posting to what a day has', () => {
    const stored: DayAmounts = { ...(postSample(null, sample('2026-11-15T10:00:00Z', 9, 5))[0] as DayAmounts), hours: { 9: [2, 0] } };
    const last = sample('2026-11-15T09:00:00Z', 9, 5);
    const [posting] = postSample(series(last), sample('2026-11-15T09:59:00Z', 12, 8));
    const after = addPosting(stored, posting as DayAmounts);
    expect(after).toMatchObject({ costNano: 8, hours: { 9: [5, 0] } });
    expect(stored.hours).toEqual({ 9: [2, 0] });
    expect(addPosting(null, posting as DayAmounts)).toEqual(posting);
  });
});

interface Step {
  /** Until the next sample. */
  waitMs: number;
  /** What is spent in between, each at a share of the wait. */
  spends: { share: number; nano: number; byokNano: number }[];
  /** A refund just before the sample; 0 for none. */
  refundNano: number;
}

const SECONDS_TO_WEEKS = fc.oneof(
  fc.integer({ min: SECOND_MS, max: 5 * MINUTE_MS }),
  fc.integer({ min: 50 * MINUTE_MS, max: 70 * MINUTE_MS }),
  fc.constant(HOUR_MS),
  fc.integer({ min: HOUR_MS, max: 2 * DAY_MS }),
  fc.integer({ min: DAY_MS, max: 40 * DAY_MS }),
);

/** Up to 4,000 USD at a time, to the nano-dollar. */
const AMOUNT = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 999 }), fc.integer({ min: 0, max: 4_000_000_000_000 }));

const stepsOf = (wait: fc.Arbitrary<number>, refund: fc.Arbitrary<number>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      waitMs: wait,
      spends: fc.array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), nano: AMOUNT, byokNano: AMOUNT }), { maxLength: 4 }),
      refundNano: refund,
    }),
    { minLength: 1, maxLength: 40 },
  );

/** Starts near a midnight, a month's end or anywhere. */
const START = fc.oneof(
  fc.integer({ min: -90, max: 90 }).map((seconds) => at('2026-11-15T00:00:00Z') + seconds * SECOND_MS),
  fc.integer({ min: -90, max: 90 }).map((minutes) => at('2026-12-01T00:00:00Z') + minutes * MINUTE_MS),
  fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2026-12-31T00:00:00Z') }),
);

/** What OpenRouter's counters say at `now` of spends at their instants, when they lag behind by `lagMs`. */
function countersAt(spends: { at: number; nano: number }[], now: number, lagMs: number) {
  const visible = spends.filter((spend) => spend.at <= now - lagMs);
  const sum = (list: { nano: number }[]) => list.reduce((total, spend) => total + spend.nano, 0);
  return counter(sum(visible), sum(visible.filter((spend) => dayOf(spend.at) === dayOf(now))));
}

/** Runs a sequence of samples through the ledger. */
function simulate(start: number, lagMs: number, steps: Step[]) {
  const spends: { at: number; nano: number; byokNano: number }[] = [{ at: start - 3 * DAY_MS, nano: 777, byokNano: 3 }];
  const days = new Map<string, DayAmounts>();
  const samples: Sample[] = [];
  let now = start;
  for (const step of [{ waitMs: 0, spends: [], refundNano: 0 }, ...steps]) {
    for (const { share, nano, byokNano } of step.spends) spends.push({ at: Math.floor(now + share * step.waitMs), nano, byokNano });
    now += step.waitMs;
    if (step.refundNano > 0) spends.push({ at: now - lagMs, nano: -step.refundNano, byokNano: 0 });
    const byok = spends.map((spend) => ({ at: spend.at, nano: spend.byokNano }));
    const next: Sample = { at: now, credits: countersAt(spends, now, lagMs), byok: countersAt(byok, now, lagMs) };
    const last = samples.at(-1);
    const first = samples[0];
    for (const posting of postSample(last && first ? { last, startedAt: first.at } : null, next)) {
      days.set(posting.day, addPosting(days.get(posting.day) ?? null, posting));
    }
    samples.push(next);
  }
  return { days: [...days.values()], samples, spends };
}

const total = (days: DayAmounts[], pick: (day: DayAmounts) => number): number => days.reduce((sum, day) => sum + pick(day), 0);

function expectConservation({ days, samples }: ReturnType<typeof simulate>, pick: (sample: Sample) => Sample['credits'], isByok: boolean) {
  const [first, last] = [samples[0], samples.at(-1)].map((entry) => pick(entry as Sample));
  if (!first || !last) throw new Error('no samples');
  const opening = Math.max(0, Math.min(first.todayNano, first.totalNano));
  const posted = total(days, (day) => (isByok ? day.byokCostNano : day.costNano));
  const corrected = total(days, (day) => Math.abs(isByok ? day.byokCorrectionNano : day.correctionNano));
  expect(posted).toBe(opening + (last.totalNano - first.totalNano) + corrected);
  return corrected;
}

describe('laws of the counter ledger', () => {
  const lag = fc.integer({ min: 0, max: 40 * SECOND_MS });

  it('conserves money to the nano-dollar, credits and BYOK apart, with no correction where nothing shrank', () => {
    fc.assert(
      fc.property(START, lag, stepsOf(SECONDS_TO_WEEKS, fc.constant(0)), (start, lagMs, steps) => {
        const run = simulate(start, lagMs, steps);
        expect(expectConservation(run, (entry) => entry.credits, false)).toBe(0);
        expect(expectConservation(run, (entry) => entry.byok, true)).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });

  it('conserves money where counters shrink, and makes no day negative', () => {
    fc.assert(
      fc.property(START, lag, stepsOf(SECONDS_TO_WEEKS, AMOUNT), (start, lagMs, steps) => {
        const run = simulate(start, lagMs, steps);
        expectConservation(run, (entry) => entry.credits, false);
        for (const day of run.days) {
          expect(day.costNano).toBeGreaterThanOrEqual(0);
          expect(day.byokCostNano).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('places no more on hours than a day has, and posts no day outside the samples', () => {
    fc.assert(
      fc.property(START, lag, stepsOf(SECONDS_TO_WEEKS, fc.constant(0)), (start, lagMs, steps) => {
        const { days, samples } = simulate(start, lagMs, steps);
        const last = dayOf(samples.at(-1)?.at ?? 0);
        for (const day of days) {
          const placed = Object.entries(day.hours);
          expect(placed.every(([hour]) => Number(hour) >= 0 && Number(hour) <= 23)).toBe(true);
          expect(placed.reduce((sum, [, [cost]]) => sum + cost, 0)).toBeLessThanOrEqual(day.costNano);
          expect(day.day >= dayOf(start - DAY_MS) && day.day <= last).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('knows each whole day exactly when it is read every hour at minute 3 and counters lag by up to 40 seconds', () => {
    const hourly = fc.array(
      fc.record({
        waitMs: fc.constant(HOUR_MS),
        spends: stepsOf(fc.constant(1), fc.constant(0)).map((steps) => steps[0]?.spends ?? []),
        refundNano: fc.constant(0),
      }),
      { minLength: 30, maxLength: 80 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 23 }), lag, hourly, (hour, lagMs, steps) => {
        const start = startOfDay('2026-11-15') + hour * HOUR_MS + 3 * MINUTE_MS;
        const { days, samples, spends } = simulate(start, lagMs, steps);
        const known = new Map(days.map((day) => [day.day, day.costNano]));
        const [firstDay, lastDay] = [dayOf(samples[0]?.at ?? 0), dayOf(samples.at(-1)?.at ?? 0)];
        for (const day of ['2026-11-16', '2026-11-17']) {
          if (day <= firstDay || day >= lastDay) continue;
          const spent = spends.filter((spend) => dayOf(spend.at) === day).reduce((sum, spend) => sum + spend.nano, 0);
          expect(known.get(day) ?? 0).toBe(spent);
        }
      }),
      { numRuns: 300 },
    );
  });
});
