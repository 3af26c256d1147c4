/**
 * A simulated OpenRouter: one ledger of spending behind its answers, a clock that a test sets, and faults on command.
 * It knows nothing of the monitor; its answers follow OpenRouter's OpenAPI specification.
 */
import { DAY_MS, dayOf, startOfDay } from '../../../src/lib/day.ts';
import { usdFromNano } from '../../../src/lib/money.ts';
import { sha256Hex } from '../../../src/lib/sha256.ts';
import { errorAnswer } from './answers.ts';
import { answerFault, type Fault } from './faults.ts';
import { type Account, answerManagement, DEFAULT_WORKSPACE, type KeyRecord, type Workspace } from './management.ts';

export interface SimulatedKey {
  text: string;
  /** Chosen by its owner; not unique. */
  name: string;
  workspaceId: string;
  createdAt: string;
  isManagement: boolean;
  limitNano: number | null;
  limitReset: 'daily' | 'weekly' | 'monthly' | null;
  expiresAt: string | null;
  isDisabled: boolean;
}

interface Spend {
  at: number;
  nano: number;
  byokNano: number;
}

export interface SimulatorOptions {
  now(): number;
  /** How long a spend stays out of the counters. OpenRouter's lag by up to 40 seconds. */
  lagMs?: number;
}

export interface RequestRecord {
  path: string;
  keyHash: string | null;
  at: number;
}

/** An answer takes a moment, so that requests overlap as they do in the world. */
const LATENCY_MS = 1;

const NO_SPEND = { nano: 0, byokNano: 0 };

const startOfWeek = (at: number): number => {
  const day = startOfDay(dayOf(at));
  return day - ((new Date(day).getUTCDay() + 6) % 7) * DAY_MS;
};

const startOfMonth = (at: number): number => startOfDay(`${dayOf(at).slice(0, 7)}-01`);

export function createSimulator({ now, lagMs = 0 }: SimulatorOptions) {
  const keys = new Map<string, SimulatedKey>();
  const spends = new Map<string, Spend[]>();
  const faults = new Map<string, Fault>();
  const workspaces: Workspace[] = [DEFAULT_WORKSPACE];
  let creditsNano = 0;
  const requests: RequestRecord[] = [];
  const load = { current: 0, most: 0 };

  function addKey(text: string, options: Partial<Omit<SimulatedKey, 'text'>> = {}): SimulatedKey {
    const fresh = { name: 'key', workspaceId: DEFAULT_WORKSPACE.id, createdAt: new Date(now()).toISOString() };
    const key = { text, ...fresh, isManagement: false, limitNano: null, limitReset: null, expiresAt: null, isDisabled: false, ...options };
    keys.set(text, key);
    spends.set(text, spends.get(text) ?? []);
    return key;
  }

  /** Spends nano-dollars with a key at an instant (default: now). */
  function spend(text: string, amounts: { nano?: number; byokNano?: number }, at = now()): void {
    const list = spends.get(text);
    if (!list) throw new Error('the simulator does not know this key');
    list.push({ at, ...NO_SPEND, ...amounts });
  }

  /** What a key really spent from `from` (inclusive) to `to` (exclusive), whether the counters show it yet or not. */
  function spentBetween(text: string, from: number, to: number): { nano: number; byokNano: number } {
    const inside = (spends.get(text) ?? []).filter(({ at }) => at >= from && at < to);
    return inside.reduce((sum, entry) => ({ nano: sum.nano + entry.nano, byokNano: sum.byokNano + entry.byokNano }), NO_SPEND);
  }

  function counted(text: string, from: number) {
    const visibleUntil = now() - lagMs;
    const { nano, byokNano } = spentBetween(text, from, visibleUntil + 1);
    return { usd: usdFromNano(nano), byokUsd: usdFromNano(byokNano), nano };
  }

  function describeKey(key: SimulatedKey) {
    const at = now();
    const [total, day] = [counted(key.text, 0), counted(key.text, startOfDay(dayOf(at)))];
    const [week, month] = [counted(key.text, startOfWeek(at)), counted(key.text, startOfMonth(at))];
    const period = { daily: day, weekly: week, monthly: month, never: total }[key.limitReset ?? 'never'];
    return {
      label: `${key.text.slice(0, 12)}...${key.text.slice(-3)}`,
      limit: key.limitNano === null ? null : usdFromNano(key.limitNano),
      limit_remaining: key.limitNano === null ? null : usdFromNano(key.limitNano - period.nano),
      limit_reset: key.limitReset,
      include_byok_in_limit: false,
      usage: total.usd,
      usage_daily: day.usd,
      usage_weekly: week.usd,
      usage_monthly: month.usd,
      byok_usage: total.byokUsd,
      byok_usage_daily: day.byokUsd,
      byok_usage_weekly: week.byokUsd,
      byok_usage_monthly: month.byokUsd,
      creator_user_id: 'user_2abcDEFghiJKLmnoPQRstuVWxyz',
      expires_at: key.expiresAt,
    };
  }

  /** What a key says about itself: `GET /key`. */
  const describeSelf = (key: SimulatedKey) => ({
    ...describeKey(key),
    is_free_tier: false,
    is_management_key: key.isManagement,
    is_provisioning_key: key.isManagement,
    rate_limit: { requests: -1, interval: '10s', note: 'This field is deprecated and safe to ignore.' },
  });

  /** What a management key is told about a key: a row of `GET /keys`. */
  const describeRecord = async (key: SimulatedKey): Promise<KeyRecord> => ({
    ...describeKey(key),
    hash: await sha256Hex(key.text),
    name: key.name,
    disabled: key.isDisabled,
    created_at: key.createdAt,
    updated_at: null,
    workspace_id: key.workspaceId,
  });

  const account = (): Account => {
    const all = [...spends.values()].flat();
    const usedNano = all.reduce((sum, { nano }) => sum + nano, 0);
    return {
      workspaces,
      listKeys: () => Promise.all([...keys.values()].filter(({ isManagement }) => !isManagement).map(describeRecord)),
      totalCreditsUsd: usdFromNano(creditsNano),
      totalUsageUsd: usdFromNano(usedNano),
    };
  };

  async function route(path: string, query: URLSearchParams, text: string | null): Promise<Response> {
    if (text === null) return errorAnswer(401, 'Missing Authentication header');
    const key = keys.get(text);
    const isExpired = key?.expiresAt != null && Date.parse(key.expiresAt) <= now();
    if (!key || key.isDisabled || isExpired) return errorAnswer(401, 'User not found.');
    if (path === '/key') return Response.json({ data: describeSelf(key) });
    return key.isManagement
      ? answerManagement(account(), path, query)
      : errorAnswer(403, 'Only management keys can perform this operation');
  }

  /** Answers a request to `…/api/v1/…`. Rejects where a real connection would break. */
  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const path = url.pathname.replace(/^.*\/api\/v1/, '');
    const text = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? null;
    requests.push({ path, keyHash: text && (await sha256Hex(text)), at: now() });
    load.current += 1;
    load.most = Math.max(load.most, load.current);
    try {
      await new Promise((resolve) => setTimeout(resolve, LATENCY_MS));
      const fault = (text !== null ? faults.get(text) : undefined) ?? faults.get('*');
      const sound = () => route(path, url.searchParams, text);
      return fault ? await answerFault(fault, request.signal, sound) : await sound();
    } finally {
      load.current -= 1;
    }
  }

  return {
    addKey,
    spend,
    spentBetween,
    answer,
    requests,
    load,
    /** Lets every request with a key (`*`: with any) go wrong in one way, until it is set to null. */
    setFault: (text: string, fault: Fault | null): void => void (fault ? faults.set(text, fault) : faults.delete(text)),
    /** Rewrites history: the counters of the key shrink or grow by an amount, as after a refund. */
    correct: (text: string, nano: number): void => spend(text, { nano }),
    addWorkspace: (workspace: Workspace): void => void workspaces.push(workspace),
    buyCredits: (nano: number): void => {
      creditsNano += nano;
    },
    removeKey: (text: string): void => void keys.delete(text),
    keys: () => [...keys.values()],
  };
}

export type Simulator = ReturnType<typeof createSimulator>;
