/** Ninety days of somebody with a few OpenRouter keys, booked by the Worker's own ledger. Pure. */
import { DAY_MS, dayOf, HOUR_MS, hourOf, MINUTE_MS, startOfDay } from '../src/lib/day.ts';
import { addPosting, type Counter, type DayAmounts, postSample, type Sample, type SampleSeries } from '../src/usage/booking/counters.ts';
import type { Spend } from '../test/support/openrouter/analytics.ts';
import { createRandom } from '../test/support/random.ts';

export const DEMO_DAYS = 90;

export interface DemoKey {
  name: string;
  text: string;
  limitNano: number | null;
  /** False: OpenRouter rejects it at the end. */
  isValid: boolean;
  spends: Spend[];
  /** False: discovered through the management key. */
  isAdded: boolean;
  workspace: 'Default' | 'Team' | 'Lab';
  days: DayAmounts[];
  series: SampleSeries;
}

interface Character {
  name: string;
  dailyUsd: number;
  weekendShare: number;
  byokShare: number;
  limitUsd: number | null;
  isValid: boolean;
  isAdded: boolean;
  workspace: DemoKey['workspace'];
  /** Permaslugs and providers, most used first. */
  models: readonly (readonly [model: string, provider: string])[];
}

const HAIKU = ['anthropic/claude-4.5-haiku-20251001', 'Anthropic'] as const;
const SONNET = ['anthropic/claude-4.5-sonnet-20250929', 'Amazon Bedrock'] as const;
const GPT = ['openai/gpt-4.1-2025-04-14', 'OpenAI'] as const;
const MINI = ['openai/gpt-4.1-mini-2025-04-14', 'OpenAI'] as const;
const GEMINI = ['google/gemini-2.5-pro', 'Google Vertex'] as const;
const LLAMA = ['meta-llama/llama-3.3-70b-instruct', 'DeepInfra'] as const;

const plain = { byokShare: 0, limitUsd: null, isValid: true, isAdded: true, workspace: 'Default' } as const;
const CHARACTERS: readonly Character[] = [
  { ...plain, name: 'production-backend', dailyUsd: 14, weekendShare: 0.6, models: [SONNET, HAIKU, GPT] },
  { ...plain, name: 'research-notebooks', dailyUsd: 5, weekendShare: 0.1, byokShare: 0.4, models: [GEMINI, SONNET, LLAMA] },
  { ...plain, name: 'nightly-evals', dailyUsd: 3, weekendShare: 1, limitUsd: 320, models: [MINI, HAIKU, LLAMA] },
  { ...plain, name: 'ci-bot', dailyUsd: 0.4, weekendShare: 0.2, limitUsd: 100, models: [MINI] },
  { ...plain, name: 'old-laptop', dailyUsd: 0.8, weekendShare: 0.5, isValid: false, models: [GPT] },
  { ...plain, name: 'staging', dailyUsd: 1.5, weekendShare: 0.1, isAdded: false, workspace: 'Team', models: [HAIKU, MINI] },
  { ...plain, name: 'support-bot', dailyUsd: 6, weekendShare: 0.9, isAdded: false, workspace: 'Team', models: [HAIKU, GPT] },
  {
    ...plain,
    name: 'labelling',
    dailyUsd: 2,
    weekendShare: 0.3,
    byokShare: 0.5,
    isAdded: false,
    workspace: 'Lab',
    models: [LLAMA, GEMINI],
  },
];

/** Spend in the chatroom, without a key. */
const CHATROOM: Character = { ...plain, name: 'chatroom', dailyUsd: 0.7, weekendShare: 0.4, models: [SONNET, GEMINI] };

/** A model of the character, and tokens in proportion to the cost. */
export function describeSpend({ models }: Pick<Character, 'models'>, nano: number, byokNano: number, random: () => number) {
  const [model, provider] = models[Math.floor(random() ** 2 * models.length)] ?? HAIKU;
  const promptTokens = Math.round((nano + byokNano) / (1500 + 1000 * random()));
  const completionTokens = Math.round(promptTokens * (0.05 + 0.3 * random()));
  return {
    model,
    provider,
    requests: 1 + Math.round(promptTokens / 8000),
    promptTokens,
    completionTokens,
    reasoningTokens: Math.round(completionTokens * 0.4 * random()),
    cachedTokens: Math.round(promptTokens * 0.6 * random()),
  };
}

function hourShare(name: string, hour: number): number {
  if (name === 'nightly-evals') return hour >= 1 && hour <= 4 ? 0.25 : 0;
  return hour >= 7 && hour <= 19 ? 1 / 16 : 0.015;
}

function spendsOf(character: Character, from: number, to: number, random: () => number): Spend[] {
  const spends: Spend[] = [];
  for (let at = from; at < to; at += HOUR_MS) {
    const isWeekend = [0, 6].includes(new Date(at).getUTCDay());
    const growth = 0.7 + (0.6 * (at - from)) / (to - from);
    const usd =
      character.dailyUsd *
      hourShare(character.name, hourOf(at)) *
      (isWeekend ? character.weekendShare : 1) *
      growth *
      (0.4 + 1.2 * random());
    const [nano, byokNano] = [Math.round(usd * (1 - character.byokShare) * 1e9), Math.round(usd * character.byokShare * 1e9)];
    const spentAt = at + Math.floor(random() * 55 * MINUTE_MS);
    if (nano > 0) spends.push({ at: spentAt, nano, byokNano, ...describeSpend(character, nano, byokNano, random) });
  }
  return spends.filter((spend) => spend.at < to);
}

const grow = (counter: Counter, nano: number, isToday: boolean): Counter => ({
  totalNano: counter.totalNano + nano,
  todayNano: counter.todayNano + (isToday ? nano : 0),
});

/** Samples the counters every hour at minute 3. */
function watch(spends: readonly Spend[], from: number, to: number): { days: DayAmounts[]; series: SampleSeries } {
  const days = new Map<string, DayAmounts>();
  const startedAt = from + 3 * MINUTE_MS;
  const waiting = spends.toSorted((a, b) => a.at - b.at).values();
  let next = waiting.next();
  let series: SampleSeries | null = null;
  let [credits, byok] = [
    { totalNano: 0, todayNano: 0 },
    { totalNano: 0, todayNano: 0 },
  ];
  for (let at = startedAt; at <= to; at += HOUR_MS) {
    const today = startOfDay(dayOf(at));
    if (at - HOUR_MS < today)
      [credits, byok] = [
        { ...credits, todayNano: 0 },
        { ...byok, todayNano: 0 },
      ];
    for (; !next.done && next.value.at <= at; next = waiting.next()) {
      const isToday = next.value.at >= today;
      credits = grow(credits, next.value.nano, isToday);
      byok = grow(byok, next.value.byokNano, isToday);
    }
    const sample: Sample = { at, credits, byok };
    for (const posting of postSample(series, sample)) days.set(posting.day, addPosting(days.get(posting.day) ?? null, posting));
    series = { last: sample, startedAt };
  }
  if (!series) throw new Error('the demo needs at least one sample');
  return { days: [...days.values()], series };
}

const startOfStory = (now: number): number => startOfDay(dayOf(now - DEMO_DAYS * DAY_MS));

/** @param textOf the secret of the nth key */
export function demoStory(now: number, textOf: (index: number) => string): DemoKey[] {
  const from = startOfStory(now);
  return CHARACTERS.map((character, index) => {
    const spends = spendsOf(character, from, now, createRandom(index + 1));
    const { name, limitUsd, isValid, isAdded, workspace } = character;
    const limitNano = limitUsd === null ? null : limitUsd * 1e9;
    return { name, text: textOf(index), limitNano, isValid, isAdded, workspace, spends, ...watch(spends, from, now) };
  });
}

export const demoChatroom = (now: number): Spend[] => spendsOf(CHATROOM, startOfStory(now), now, createRandom(99));

export function nextSpend(key: Pick<DemoKey, 'name'>, random: () => number): Omit<Spend, 'at'> {
  const character = CHARACTERS.find(({ name }) => name === key.name) ?? CHATROOM;
  const nano = Math.floor(random() * 5_000_000);
  return { nano, byokNano: 0, ...describeSpend(character, nano, 0, random) };
}
