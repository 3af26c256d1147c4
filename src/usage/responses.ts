/** What is answered about spend. */
import * as z from 'zod';

const countSchema = z.int().nullable();

/** The fields of measures in every answer. */
const measureFields = {
  cost_usd: z.number().nullable().describe('Credits spent, USD'),
  byok_cost_usd: z.number().nullable().describe("Spend on the user's own provider keys, USD; not part of cost_usd"),
  requests: countSchema.describe('Like the tokens, a sum of what is known: keys that only have counters add nothing'),
  prompt_tokens: countSchema,
  completion_tokens: countSchema,
  reasoning_tokens: countSchema.describe('Contained in completion_tokens'),
  cached_tokens: countSchema,
  correction_usd: z
    .number()
    .nullable()
    .describe(
      "By how much OpenRouter's counters shrank, USD, 0 or less; not part of cost_usd. With it the figure is the counters' own. Null: they did not",
    ),
  byok_correction_usd: z.number().nullable().describe('The same of BYOK spend'),
};
/** Measures with whether they are all. */
const figureFields = {
  ...measureFields,
  is_complete: z
    .boolean()
    .describe(
      'Is all of this spend known, up to now? false: cost_usd and byok_cost_usd are lower bounds; also of a model or provider where some spend has no name',
    ),
};
const instantSchema = z.iso.datetime().nullable();

const usd = (description: string) => z.number().nullable().describe(description);

const reconciledSchema = z
  .object({
    date: z.iso.date(),
    key_id: z.int(),
    name: z.string(),
    source: z.enum(['counters', 'analytics']).nullable().describe('Which source the ledger has the day from'),
    cost_usd: usd('What the ledger says; of a management key, the unattributed spend of its account'),
    byok_cost_usd: usd('The same of BYOK spend'),
    counters_cost_usd: usd('What the counters say'),
    counters_byok_cost_usd: usd('The same of BYOK spend'),
    correction_usd: usd('By how much the counters shrank on the day, 0 or less; not part of the cost. Null: they did not'),
    byok_correction_usd: usd('The same of BYOK spend'),
    activity_cost_usd: usd('What OpenRouter’s daily activity says'),
    activity_byok_cost_usd: usd('The same of BYOK spend'),
    drift_usd: usd('Ledger less the source that differs most, of completed days that both know whole'),
    byok_drift_usd: usd('The same of BYOK spend'),
    coverage: z
      .enum(['exact', 'partial', 'none'])
      .describe('How much of the day the ledger knows: all of it, a part (also today), nothing. Not whether the sources agree'),
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
      is_count_complete: z.boolean().describe('The same of requests and tokens: false where a key has counters only'),
    }),
    by_day: z.array(z.object({ date: z.iso.date(), ...figureFields })),
    by_model: z.array(
      z.object({
        model: z.string().nullable().describe('Slug, or permaslug where no slug is known'),
        permaslugs: z.array(z.string()).describe('The versions that the slug stands for'),
        ...figureFields,
      }),
    ),
    by_provider: z.array(z.object({ provider: z.string().nullable(), ...figureFields })),
    by_key: z
      .array(z.object({ key_id: z.int(), name: z.string(), ...figureFields }))
      .describe(
        'A management key stands for the unattributed spend of its account: what it spent in the chatroom, or with keys that are paused or deleted here. It is pending until all other keys of the account are read through the day',
      ),
    coverage: z.array(z.object({ key_id: z.int(), known_since: instantSchema, source: z.enum(['counters', 'analytics']).nullable() })),
    approximate_days: z
      .array(z.iso.date())
      .describe('Days whose share of the spend is not certain: some of it may belong to the day before or after'),
    drift: z.array(reconciledSchema).describe('Completed UTC days on which the sources differ by more than a cent'),
    as_of: instantSchema.describe(
      'All spend of the keys that were read so far is in the figures up to this instant. Unattributed spend of an account follows when a day is over and all its keys are read',
    ),
  })
  .meta({ id: 'Stats' });

const usageRowSchema = z.object({
  date: z.iso.date().optional(),
  hour: z.iso.datetime({ offset: true }).nullable().optional().describe('Null: spend of the date that could not be placed on an hour'),
  model: z.string().nullable().optional(),
  provider: z.string().nullable().optional(),
  key_id: z.int().optional(),
  ...figureFields,
});

export const usagePageSchema = z.object({ data: z.array(usageRowSchema), next_cursor: z.string().nullable() }).meta({ id: 'UsagePage' });
