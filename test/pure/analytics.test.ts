import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInstant } from '../../src/lib/day.ts';
import { type AnalyticsQuery, analyticsAnswerSchema, MAX_ROWS, maxDaysOf, queryBody, readAnswer } from '../../src/openrouter/analytics.ts';

const QUERY: AnalyticsQuery = { from: '2026-11-14', to: '2026-11-15', granularity: 'hour', withProvider: true, hash: 'a'.repeat(64) };

const ROW = {
  date__hour: '2026-11-14 09:00:00',
  model: 'openai/gpt-4.1-2025-04-14',
  provider: 'OpenAI',
  credits_usage: 0.164823001,
  byok_usage: 0,
  request_count: '31',
  tokens_prompt: '88120',
  tokens_completion: 15340,
  reasoning_tokens: 2911,
  cached_tokens: '40220',
};

const answer = (rows: object[], change: object = {}) =>
  readAnswer(
    analyticsAnswerSchema.parse({
      data: { data: rows, metadata: { query_time_ms: 1, row_count: rows.length, truncated: false, ...change } },
    }),
    QUERY,
  );

const expectRows = (rows: object[]) => {
  const read = answer(rows);
  if (!read.ok) throw new Error(`row ${read.error} was not understood`);
  return expect(read.value.rows);
};

const READ = {
  at: Date.parse('2026-11-14T09:00:00Z'),
  model: 'openai/gpt-4.1-2025-04-14',
  provider: 'OpenAI',
  costNano: 164_823_001,
  byokCostNano: 0,
  requests: 31,
  promptTokens: 88_120,
  completionTokens: 15_340,
  reasoningTokens: 2911,
  cachedTokens: 40_220,
};

describe('an answer of analytics', () => {
  it('is read with counts as strings or numbers, under both bucket names, in all shapes of time', () => {
    const { date__hour, ...rest } = ROW;
    for (const bucket of [date__hour, '2026-11-14T09:00:00.000Z', '2026-11-14T09:00:00', '2026-11-14T10:00:00+01:00']) {
      expectRows([{ ...rest, date__hour: bucket }]).toEqual([READ]);
      expectRows([{ ...rest, created_at__hour: bucket }]).toEqual([READ]);
    }
    expectRows([{ ...rest, date__hour: '2026-11-14' }]).toEqual([{ ...READ, at: Date.parse('2026-11-14T00:00:00Z') }]);
    expectRows([{ ...ROW, request_count: 31, tokens_completion: '15340', credits_usage: '0.164823001', byok_usage: null }]).toEqual([READ]);
    expectRows([{ ...ROW, credits_usage: '1.64823001e-1', model: null, provider: null }]).toEqual([{ ...READ, model: '', provider: '' }]);
  });

  it('is refused as a whole where a row cannot be understood', () => {
    for (const change of [
      { credits_usage: undefined },
      { credits_usage: 'lots' },
      { credits_usage: Number.POSITIVE_INFINITY },
      { request_count: '' },
      { request_count: 1.5 },
      { cached_tokens: {} },
      { date__hour: 'yesterday' },
      { date__hour: 1787306400000 },
      { date__hour: undefined },
      { created_at__hour: '2026-11-14 10:00:00' },
      { date__hour: '2026-11-14 09:30:00' },
      { model: 7 },
      { provider: 'x'.repeat(301) },
    ]) {
      expect([change, answer([ROW, { ...ROW, ...change }])]).toEqual([change, { ok: false, error: 1 }]);
    }
  });

  it('does not reach beyond the days that were asked for', () => {
    const at = (date__hour: string) => ({ ...ROW, date__hour });
    const outside = [at('2026-11-13 23:00:00'), at('2026-11-16 00:00:00')];
    expectRows([...outside, at('2026-11-14 00:00:00'), at('2026-11-15 23:00:00')]).toHaveLength(2);
  });

  it('is truncated if it says so, is as long as may be, or has fewer rows than it claims', () => {
    expect(answer([ROW])).toMatchObject({ value: { isTruncated: false, isUnknownKey: false } });
    expect(answer([ROW], { truncated: true })).toMatchObject({ value: { isTruncated: true } });
    expect(answer([ROW], { row_count: 2 })).toMatchObject({ value: { isTruncated: true } });
    expect(answer(Array.from({ length: MAX_ROWS }, () => ROW))).toMatchObject({ value: { isTruncated: true } });
  });

  it('is asked for in half-open days with seconds', () => {
    expect(queryBody(QUERY)).toMatchObject({
      time_range: { start: '2026-11-14T00:00:00Z', end: '2026-11-16T00:00:00Z' },
      filters: [{ field: 'api_key_id', operator: 'eq', value: QUERY.hash }],
      dimensions: ['model', 'provider'],
      limit: 10_000,
    });
    expect(queryBody({ ...QUERY, hash: null, withProvider: false })).not.toHaveProperty('filters');
  });
});

describe('a refusal', () => {
  it('names its maximum in days, or none', () => {
    expect(maxDaysOf('Time range exceeds the maximum of 31 days for this query')).toBe(31);
    expect(maxDaysOf('The range may span at most 365-day windows')).toBe(365);
    expect(maxDaysOf('Unknown metric: foo')).toBeNull();
    expect(maxDaysOf('at most 0 days')).toBeNull();
  });
});

describe('an instant', () => {
  it('is read back from every shape that OpenRouter uses', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
        const iso = new Date(seconds * 1000).toISOString();
        const shapes = [iso, iso.slice(0, 19), iso.slice(0, 19).replace('T', ' '), `${iso.slice(0, 19)}.000000+00:00`];
        for (const shape of shapes) expect([shape, parseInstant(shape)]).toEqual([shape, seconds * 1000]);
        expect(parseInstant(iso.slice(0, 10))).toBe(Date.parse(iso.slice(0, 10)));
      }),
    );
    for (const text of ['', 'soon', '2026-13-01', '2026-11-14 25:00:00', '1787306400000'])
      expect([text, parseInstant(text)]).toEqual([text, null]);
  });
});
