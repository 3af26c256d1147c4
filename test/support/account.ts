/** A simulated account behind a management key, and what the monitor must say of it. */
import { addDays, DAY_MS, dayOf, HOUR_MS, hourOf, startOfDay } from '../../src/lib/day.ts';
import { dropDimensions, type UsageCell } from '../../src/usage/booking/cells.ts';
import { restOfCells } from '../../src/usage/sources/unattributed.ts';
import { freshKeyText } from './key-text.ts';
import { MODELS, PROVIDERS } from './openrouter/catalog.ts';
import { DEFAULT_WORKSPACE } from './openrouter/management.ts';
import type { Simulator } from './openrouter/simulator.ts';
import type { World } from './world.ts';

export const WORKSPACES = [
  DEFAULT_WORKSPACE,
  { id: '550e8400-e29b-41d4-a716-446655440000', name: 'Team', slug: 'team' },
  { id: '7d1f0a52-93a1-4c3e-8a4f-0c7a3b1de2f4', name: 'Lab', slug: 'lab' },
];

export interface SimulatedAccount {
  management: string;
  keys: string[];
}

/** An account of `count` keys in three workspaces, made `days` ago. The first two have the same name. */
export function makeAccount(simulator: Simulator, now: number, count: number, days: number): SimulatedAccount {
  for (const workspace of WORKSPACES.slice(1)) simulator.addWorkspace(workspace);
  simulator.buyCredits(1_000_000_000_000);
  const management = freshKeyText();
  const createdAt = new Date(now - days * DAY_MS).toISOString();
  simulator.addKey(management, { isManagement: true, name: 'management', createdAt });
  const keys = Array.from({ length: count }, (_, index) => {
    const text = freshKeyText();
    const workspaceId = WORKSPACES[index % WORKSPACES.length]?.id ?? DEFAULT_WORKSPACE.id;
    simulator.addKey(text, { name: index < 2 ? 'twin' : `key ${index}`, workspaceId, createdAt });
    return text;
  });
  return { management, keys };
}

/** Spends at random with the keys and in the chatroom, each with some chance an hour, from `from` (inclusive) to `to` (exclusive). */
export function spendAtRandom(
  simulator: Simulator,
  account: SimulatedAccount,
  from: number,
  to: number,
  random: () => number,
  chance = 0.05,
): void {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  for (let hour = from; hour < to; hour += HOUR_MS) {
    for (const text of [...account.keys, null]) {
      if (random() >= chance) continue;
      const isByok = random() < 0.2;
      const promptTokens = Math.floor(random() * 100_000);
      const completionTokens = Math.floor(random() * 10_000);
      const amounts = {
        nano: Math.floor(random() * 2_000_000_000) + 1,
        byokNano: isByok ? Math.floor(random() * 1_000_000_000) : 0,
        model: pick(MODELS).permaslug,
        provider: pick(PROVIDERS),
        requests: 1 + Math.floor(random() * 20),
        promptTokens,
        completionTokens,
        reasoningTokens: Math.floor(completionTokens * random()),
        cachedTokens: Math.floor(promptTokens * random()),
      };
      const at = hour + Math.floor(random() * Math.min(HOUR_MS, to - hour));
      if (text === null) simulator.spendInChatroom(amounts, at);
      else simulator.spend(text, amounts, at);
    }
  }
}

type Sums = Record<string, (number | null)[]>;

const add = (sums: Sums, name: string, amounts: readonly number[]): void => {
  const known = sums[name] ?? [];
  sums[name] = amounts.map((amount, index) => (known[index] ?? 0) + amount);
};

/**
 * What was really spent, by `<key text, or null>/<day>/<permaslug>/<provider>`, as far as the ledger can know it: by provider for days
 * from `hourlyFrom`, what no key spent only for completed days. Keys of sums by hour have `T<hour>` after the day.
 */
export function truth(simulator: Simulator, hourlyFrom: string, from: string, today: string): { days: Sums; hours: Sums } {
  const [days, hours]: [Sums, Sums] = [{}, {}];
  for (const [text, spends] of simulator.allSpends()) {
    for (const spend of spends) {
      const day = dayOf(spend.at);
      if (day < from || day > today || (text === null && day === today)) continue;
      const amounts = [
        spend.nano,
        spend.byokNano,
        spend.requests,
        spend.promptTokens,
        spend.completionTokens,
        spend.reasoningTokens,
        spend.cachedTokens,
      ];
      const provider = day >= hourlyFrom ? spend.provider : '';
      add(days, `${text}/${day}/${spend.model}/${provider}`, amounts);
      if (day >= hourlyFrom) add(hours, `${text}/${day}T${hourOf(spend.at)}/${spend.model}/${provider}`, amounts);
    }
  }
  return { days, hours };
}

interface StoredRow {
  hash: string;
  day: string;
  model: string;
  provider: string;
  hours: string | null;
  [column: string]: unknown;
}

const COLUMNS = ['cost_nano', 'byok_cost_nano', 'requests', 'prompt_tokens', 'completion_tokens', 'reasoning_tokens', 'cached_tokens'];

const cellOf = ({ day, model, provider, hours, ...row }: StoredRow): UsageCell => ({
  day,
  model,
  provider,
  total: COLUMNS.map((name) => Number(row[name])),
  hours: hours === null ? null : JSON.parse(hours),
});

/** The same from the monitor's ledger, from a day on. */
export async function ledger(
  db: D1Database,
  userId: number,
  textOf: (hash: string) => string,
  from = '',
): Promise<{ days: Sums; hours: Sums }> {
  const rowsOf = async (text: string) => (await db.prepare(text).bind(userId, from).all<StoredRow>()).results;
  const ofKeys = await rowsOf(
    'SELECT d.*, u.hash FROM usage_day AS d JOIN upstream_key AS u ON u.id = d.upstream_key_id WHERE d.user_id = ? AND d.day >= ?',
  );
  const totals = await rowsOf('SELECT * FROM account_day WHERE user_id = ? AND day >= ?');
  const [days, hours]: [Sums, Sums] = [{}, {}];
  const note = (text: string | null, { day, model, provider, total, hours: byHour }: UsageCell) => {
    add(days, `${text}/${day}/${model}/${provider}`, total.map(Number));
    for (const [hour, amounts] of Object.entries(byHour ?? {}))
      add(hours, `${text}/${day}T${hour}/${model}/${provider}`, amounts.map(Number));
  };
  for (const row of ofKeys) note(textOf(row.hash), cellOf(row));
  for (const [day, rows] of Map.groupBy(totals, (row) => row.day)) {
    const keys = dropDimensions(ofKeys.filter((row) => row.day === day).map(cellOf), { model: true, provider: true, hours: true });
    for (const cell of restOfCells(rows.map(cellOf), keys)) note(null, cell);
  }
  return { days, hours };
}

/** Tables of the ledger and of what it is read from. */
export const LEDGER_TABLES = [
  'usage_day',
  'key_day',
  'account_day',
  'account_check',
  'upstream_key',
  'account',
  'management',
  'workspace',
  'api_key',
] as const;

/** Adds the account's management key for a user, over HTTP, and works until the queue is empty. */
export async function addManagement(world: World, token: string, text: string): Promise<number> {
  const { status, body } = await world.json<{ id: number }>('POST', '/api/keys', { token, body: { name: 'account', key: text } });
  if (status !== 201) throw new Error(`adding the management key answered ${status}`);
  await world.drain(5000);
  return body.id;
}

export const daysAgo = (now: number, days: number): string => addDays(dayOf(now), -days);
export const startOfToday = (now: number): number => startOfDay(dayOf(now));
