/** What is measured: integers inside, USD outside. Null: unknown; a sum covers what is known. */
import { decimalFromNano, usdFromNanoOrNull } from '../../lib/money.ts';

export interface Measures {
  costNano: number | null;
  byokCostNano: number | null;
  requests: number | null;
  promptTokens: number | null;
  completionTokens: number | null;
  reasoningTokens: number | null;
  cachedTokens: number | null;
  /** How far counters shrank: 0 or less, not part of the spend. Null: they did not. */
  correctionNano: number | null;
  byokCorrectionNano: number | null;
}

export const UNKNOWN: Readonly<Measures> = {
  costNano: null,
  byokCostNano: null,
  requests: null,
  promptTokens: null,
  completionTokens: null,
  reasoningTokens: null,
  cachedTokens: null,
  correctionNano: null,
  byokCorrectionNano: null,
};

/** Counters know no requests or tokens. */
export const moneyOnly = (costNano: number, byokCostNano: number): Measures => ({ ...UNKNOWN, costNano, byokCostNano });

export const ZERO: Readonly<Measures> = {
  costNano: 0,
  byokCostNano: 0,
  requests: 0,
  promptTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  cachedTokens: 0,
  correctionNano: null,
  byokCorrectionNano: null,
};

/**
 * As in `hours`: credits and BYOK in nano-dollars, requests, prompt, completion, reasoning and cached tokens; for days also both
 * corrections.
 */
export type Amounts = readonly (number | null)[];

export const measuresOf = (amounts: Amounts): Measures => ({
  costNano: amounts[0] ?? null,
  byokCostNano: amounts[1] ?? null,
  requests: amounts[2] ?? null,
  promptTokens: amounts[3] ?? null,
  completionTokens: amounts[4] ?? null,
  reasoningTokens: amounts[5] ?? null,
  cachedTokens: amounts[6] ?? null,
  correctionNano: amounts[7] ?? null,
  byokCorrectionNano: amounts[8] ?? null,
});

export function amountsOfCounters(day: {
  countedNano: number | null;
  countedByokNano: number | null;
  correctionNano: number;
  correctionByokNano: number;
}): Amounts {
  const counted = [day.countedNano ?? 0, day.countedByokNano ?? 0];
  if (day.correctionNano === 0 && day.correctionByokNano === 0) return counted;
  return [...counted, null, null, null, null, null, day.correctionNano || null, day.correctionByokNano || null];
}

const add = (a: number | null, b: number | null): number | null => (a === null ? b : a + (b ?? 0));

export function addMeasuresTo(a: Measures, b: Readonly<Measures>): void {
  a.costNano = add(a.costNano, b.costNano);
  a.byokCostNano = add(a.byokCostNano, b.byokCostNano);
  a.requests = add(a.requests, b.requests);
  a.promptTokens = add(a.promptTokens, b.promptTokens);
  a.completionTokens = add(a.completionTokens, b.completionTokens);
  a.reasoningTokens = add(a.reasoningTokens, b.reasoningTokens);
  a.cachedTokens = add(a.cachedTokens, b.cachedTokens);
  a.correctionNano = add(a.correctionNano, b.correctionNano);
  a.byokCorrectionNano = add(a.byokCorrectionNano, b.byokCorrectionNano);
}

export function addMeasures(a: Measures, b: Measures): Measures {
  const sum = { ...a };
  addMeasuresTo(sum, b);
  return sum;
}

export const MEASURE_COLUMNS = [
  'cost_usd',
  'byok_cost_usd',
  'requests',
  'prompt_tokens',
  'completion_tokens',
  'reasoning_tokens',
  'cached_tokens',
  'correction_usd',
  'byok_correction_usd',
] as const;

const presentCounts = (measures: Measures) => ({
  requests: measures.requests,
  prompt_tokens: measures.promptTokens,
  completion_tokens: measures.completionTokens,
  reasoning_tokens: measures.reasoningTokens,
  cached_tokens: measures.cachedTokens,
});

export const presentMeasures = (measures: Measures) => ({
  cost_usd: usdFromNanoOrNull(measures.costNano),
  byok_cost_usd: usdFromNanoOrNull(measures.byokCostNano),
  ...presentCounts(measures),
  correction_usd: usdFromNanoOrNull(measures.correctionNano),
  byok_correction_usd: usdFromNanoOrNull(measures.byokCorrectionNano),
});

const decimalOrNull = (nano: number | null): string | null => (nano === null ? null : decimalFromNano(nano));

export const measureCells = (measures: Measures) => ({
  cost_usd: decimalOrNull(measures.costNano),
  byok_cost_usd: decimalOrNull(measures.byokCostNano),
  ...presentCounts(measures),
  correction_usd: decimalOrNull(measures.correctionNano),
  byok_correction_usd: decimalOrNull(measures.byokCorrectionNano),
});
