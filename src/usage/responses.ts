import * as z from 'zod';

const countSchema = z.int().nullable();

const measureFields = {
  cost_usd: z.number().nullable().describe('Credits spent, USD'),
  byok_cost_usd: z.number().nullable().describe("Spend on the user's own provider keys, USD; not part of cost_usd"),
  requests: countSchema.describe('Known requests only, as for tokens: keys with only counters add nothing'),
  prompt_tokens: countSchema,
  completion_tokens: countSchema,
  reasoning_tokens: countSchema.describe('Contained in completion_tokens'),
  cached_tokens: countSchema,
  correction_usd: z
    .number()
    .nullable()
    .describe(
      "How far OpenRouter's counters shrank, USD, 0 or less; not part of cost_usd. Added to it, you get the counters' own figure. null: they did not shrink",
    ),
  byok_correction_usd: z.number().nullable().describe('The same for BYOK spend'),
};
const figureFields = {
  ...measureFields,
  is_complete: z
    .boolean()
    .describe(
      'true: all of this spend is known, up to now. false: cost_usd and byok_cost_usd are lower bounds, also for a model or provider while some spend has no name',
    ),
};
const instantSchema = z.iso.datetime().nullable();

const usd = (description: string) => z.number().nullable().describe(description);

const reconciledSchema = z
  .object({
    date: z.iso.date(),
    key_id: z.int(),
    name: z.string(),
    source: z.enum(['counters', 'analytics']).nullable().describe('The source that the ledger takes for this day'),
    cost_usd: usd('Spend in the ledger; for a management key, the unattributed spend of its account'),
    byok_cost_usd: usd('The same for BYOK spend'),
    counters_cost_usd: usd('Spend by the counters'),
    counters_byok_cost_usd: usd('The same for BYOK spend'),
    correction_usd: usd('How far the counters shrank on the day, 0 or less; not part of the cost. null: they did not shrink'),
    byok_correction_usd: usd('The same for BYOK spend'),
    activity_cost_usd: usd('Spend by OpenRouter’s `/activity`'),
    activity_byok_cost_usd: usd('The same for BYOK spend'),
    drift_usd: usd('Ledger minus the source that differs most, for completed days that both know in full'),
    byok_drift_usd: usd('The same for BYOK spend'),
    coverage: z
      .enum(['exact', 'partial', 'none'])
      .describe('How much of the day the ledger knows: all, a part (also today) or nothing. It does not say whether the sources agree'),
  })
  .meta({ id: 'ReconciledDay' });

export const reconciliationSchema = z
  .object({ data: z.array(reconciledSchema), next_cursor: z.string().nullable() })
  .meta({ id: 'Reconciliation' });

export const statsSchema = z
  .object({
    range: z.object({ from: z.iso.date(), to: z.iso.date(), tz: z.string() }),
    totals: z.object({
      ...figureFields,
      is_count_complete: z.boolean().describe('The same for requests and tokens: false where a key has counters only'),
    }),
    by_day: z.array(z.object({ date: z.iso.date(), ...figureFields })),
    by_model: z.array(
      z.object({
        model: z.string().nullable().describe('Slug, or permaslug where no slug is known'),
        permaslugs: z.array(z.string()).describe('Model versions behind the slug'),
        ...figureFields,
      }),
    ),
    by_provider: z.array(z.object({ provider: z.string().nullable(), ...figureFields })),
    by_key: z
      .array(z.object({ key_id: z.int(), name: z.string(), ...figureFields }))
      .describe(
        'A management key shows the unattributed spend of its account: the chatroom, and keys that are paused or deleted here. A day is pending until all other keys of the account are synced through it',
      ),
    coverage: z.array(z.object({ key_id: z.int(), known_since: instantSchema, source: z.enum(['counters', 'analytics']).nullable() })),
    approximate_days: z.array(z.iso.date()).describe('Days of which some spend may belong to the day before or after'),
    drift: z.array(reconciledSchema).describe('Completed UTC days on which the sources differ by more than a cent'),
    as_of: instantSchema.describe(
      'The figures include all spend of synced keys up to this instant. Unattributed spend of an account follows when a day is over and all its keys are synced',
    ),
  })
  .meta({ id: 'Stats' });

const usageRowSchema = z.object({
  date: z.iso.date().optional(),
  hour: z.iso.datetime({ offset: true }).nullable().optional().describe('null: spend of the date without a known hour'),
  model: z.string().nullable().optional(),
  provider: z.string().nullable().optional(),
  key_id: z.int().optional(),
  ...figureFields,
});

export const usagePageSchema = z.object({ data: z.array(usageRowSchema), next_cursor: z.string().nullable() }).meta({ id: 'UsagePage' });
