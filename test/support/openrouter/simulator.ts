/**
 * A simulated OpenRouter: one ledger of spending behind its answers, a clock that a test sets, and faults on command.
 * It knows nothing of the monitor; its answers follow OpenRouter's OpenAPI specification.
 */
import { DAY_MS, dayOf, startOfDay } from '../../../src/lib/day.ts';
import { usdFromNano } from '../../../src/lib/money.ts';
import { sha256Hex } from '../../../src/lib/sha256.ts';
import { type AnalyticsOptions, DEFAULT_OPTIONS, type Spend, type SpendSource } from './analytics.ts';
import { errorAnswer } from './answers.ts';
import { describeModel, MODELS, PROVIDERS } from './catalog.ts';
import { answerFault, type Fault } from './faults.ts';
import { type Account, answerManagement, DEFAULT_WORKSPACE, type KeyChange, type KeyRecord, type Workspace } from './management.ts';

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
  isByokInLimit: boolean;
  updatedAt: string | null;
  externalUser: string | null;
}

export interface SimulatorOptions {
  now(): number;
  /** How long a spend stays out of the counters. OpenRouter's lag by up to 40 seconds. */
  lagMs?: number;
  /** The account's default workspace: each account has one of its own. */
  defaultWorkspace?: Workspace;
  /** Passes the time that an answer takes; by default a moment of real time. */
  wait?(): Promise<void>;
}

export interface RequestRecord {
  method: string;
  path: string;
  keyHash: string | null;
  at: number;
}

/** An answer takes a moment, so that requests overlap as they do in the world. */
const LATENCY_MS = 1;
const waitAMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LATENCY_MS));

/** A body as a value; null: it is none, or no JSON. */
function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** Requests to free models that an account may make a day, before and after it bought credits worth 10 USD. */
const FREE_REQUESTS = { unpaid: 50, paid: 1000 };
const FROM_CREDITS_NANO = 10_000_000_000;

/** Analytics queries of a key in any minute. */
const MAX_QUERIES_A_MINUTE = 64;

/** Under this name the chatroom's spending is kept; it belongs to no key. */
const CHATROOM = 'chatroom';

const NO_SPEND = { nano: 0, byokNano: 0 };

const startOfWeek = (at: number): number => {
  const day = startOfDay(dayOf(at));
  return day - ((new Date(day).getUTCDay() + 6) % 7) * DAY_MS;
};

const startOfMonth = (at: number): number => startOfDay(`${dayOf(at).slice(0, 7)}-01`);

export function createSimulator({ now, lagMs = 0, wait = waitAMoment, defaultWorkspace = DEFAULT_WORKSPACE }: SimulatorOptions) {
  const keys = new Map<string, SimulatedKey>();
  const spends = new Map<string, Spend[]>();
  const faults = new Map<string, Fault>();
  let chooseFault: (path: string, text: string | null) => Fault | null = () => null;
  let chooseChange: (path: string, body: unknown, method: string) => ((answer: Response) => Promise<Response>) | null = () => null;
  const analytics: AnalyticsOptions = structuredClone(DEFAULT_OPTIONS);
  const hashes = new Map<string, Promise<string>>();
  const workspaces: Workspace[] = [defaultWorkspace];
  let creditsNano = 0;
  const requests: RequestRecord[] = [];
  const load = { current: 0, most: 0 };

  function addKey(text: string, options: Partial<Omit<SimulatedKey, 'text'>> = {}): SimulatedKey {
    const fresh = {
      name: 'key',
      workspaceId: defaultWorkspace.id,
      createdAt: new Date(now()).toISOString(),
      updatedAt: null,
      externalUser: null,
    };
    const free = { limitNano: null, limitReset: null, isByokInLimit: false, expiresAt: null, isDisabled: false };
    const key = { text, ...fresh, ...free, isManagement: false, ...options };
    keys.set(text, key);
    spends.set(text, spends.get(text) ?? []);
    return key;
  }

  const hashOf = (text: string): Promise<string> => {
    const known = hashes.get(text) ?? sha256Hex(text);
    hashes.set(text, known);
    return known;
  };

  /** Spends with a key at an instant (default: now), by default in one request to the first model. */
  function spend(text: string, amounts: Partial<Omit<Spend, 'at'>>, at = now()): void {
    const list = spends.get(text);
    if (!list) throw new Error('the simulator does not know this key');
    const tokens = { promptTokens: 100, completionTokens: 20, reasoningTokens: 5, cachedTokens: 10 };
    const [model, provider] = [MODELS[0]?.permaslug ?? '', PROVIDERS[0]];
    list.push({ at, ...NO_SPEND, model, provider, requests: 1, ...tokens, ...amounts });
  }

  /** Spends outside of all keys. */
  function spendInChatroom(amounts: Partial<Omit<Spend, 'at'>>, at = now()): void {
    spends.set(CHATROOM, spends.get(CHATROOM) ?? []);
    spend(CHATROOM, amounts, at);
  }

  /** What a key really spent from `from` (inclusive) to `to` (exclusive), whether the counters show it yet or not. */
  function spentBetween(text: string, from: number, to: number): { nano: number; byokNano: number } {
    let [nano, byokNano] = [0, 0];
    for (const entry of spends.get(text) ?? []) {
      if (entry.at < from || entry.at >= to) continue;
      nano += entry.nano;
      byokNano += entry.byokNano;
    }
    return { nano, byokNano };
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
      include_byok_in_limit: key.isByokInLimit,
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

  /** Requests to free models of the whole account in this UTC day. */
  function freeRequests() {
    const limit = creditsNano >= FROM_CREDITS_NANO ? FREE_REQUESTS.paid : FREE_REQUESTS.unpaid;
    const today = [...spends.values()]
      .flat()
      .filter(({ at, model }) => model.endsWith(':free') && at >= startOfDay(dayOf(now())) && at <= now());
    const used = today.reduce((sum, { requests: count }) => sum + count, 0);
    return { limit, remaining: Math.max(0, limit - used), used };
  }

  const lastUseOf = (text: string): string | null => {
    const at = Math.max(...(spends.get(text) ?? []).map((entry) => entry.at).filter((used) => used <= now()));
    return Number.isFinite(at) ? new Date(at).toISOString() : null;
  };

  /** What a key says about itself: `GET /key`. */
  const describeSelf = (key: SimulatedKey) => ({
    ...describeKey(key),
    workspace_id: key.workspaceId,
    organization_id: null,
    allowed_data_regions: ['global'],
    free_model_daily_requests: freeRequests(),
    is_free_tier: false,
    is_management_key: key.isManagement,
    is_provisioning_key: key.isManagement,
    rate_limit: { requests: -1, interval: '10s', note: 'This field is deprecated and safe to ignore.' },
  });

  /** What a management key is told about a key: a row of `GET /keys`. */
  const describeRecord = async (key: SimulatedKey): Promise<KeyRecord> => ({
    ...describeKey(key),
    hash: await hashOf(key.text),
    name: key.name,
    disabled: key.isDisabled,
    created_at: key.createdAt,
    updated_at: key.updatedAt,
    last_used_at: lastUseOf(key.text),
    external_user: key.externalUser,
    workspace_id: key.workspaceId,
  });

  /** `PATCH /keys/{hash}`: what a change names is set, and nothing else. */
  async function changeRecord(hash: string, change: KeyChange): Promise<void> {
    for (const key of keys.values()) {
      if (key.isManagement || (await hashOf(key.text)) !== hash) continue;
      key.name = change.name ?? key.name;
      key.isDisabled = change.disabled ?? key.isDisabled;
      key.isByokInLimit = change.include_byok_in_limit ?? key.isByokInLimit;
      if (change.limit !== undefined) key.limitNano = change.limit === null ? null : Math.round(change.limit * 1e9);
      if (change.limit_reset !== undefined) key.limitReset = change.limit_reset;
      key.updatedAt = new Date(now()).toISOString();
    }
  }

  /** Spending of keys that are gone keeps counting for the account, but nobody can ask for it by its hash. */
  const listSources = (): Promise<SpendSource[]> =>
    Promise.all(
      [...spends].map(async ([text, list]) => {
        const key = keys.get(text);
        const place = { name: key?.name ?? 'Chatroom', workspaceId: key?.workspaceId ?? defaultWorkspace.id };
        return { ...place, hash: key ? await hashOf(text) : null, spends: list };
      }),
    );

  const account = (): Account => {
    const usedNano = [...spends.keys()].reduce((sum, text) => sum + counted(text, 0).nano, 0);
    return {
      workspaces,
      now: now(),
      analytics,
      listSources,
      listKeys: () => Promise.all([...keys.values()].filter(({ isManagement }) => !isManagement).map(describeRecord)),
      change: changeRecord,
      totalCreditsUsd: usdFromNano(creditsNano),
      totalUsageUsd: usdFromNano(usedNano),
    };
  };

  /** Are there more analytics queries of this key in the last minute than OpenRouter allows? */
  function isTooOften(path: string, keyHash: string | null): boolean {
    if (path !== '/analytics/query') return false;
    let count = 0;
    for (let index = requests.length - 1; index >= 0; index--) {
      const request = requests[index];
      if (!request || request.at <= now() - 60_000) break;
      if (request.path === path && request.keyHash === keyHash) count += 1;
    }
    return count > MAX_QUERIES_A_MINUTE;
  }

  async function route(path: string, request: Request, text: string | null): Promise<Response> {
    const query = new URL(request.url).searchParams;
    if (path === '/models' && request.method === 'GET')
      return Response.json({ data: MODELS.map(describeModel), total_count: MODELS.length, links: { next: null } });
    if (text === null) return errorAnswer(401, 'Missing Authentication header');
    const key = keys.get(text);
    const isExpired = key?.expiresAt != null && Date.parse(key.expiresAt) <= now();
    if (!key || key.isDisabled || isExpired) return errorAnswer(401, 'User not found.');
    if (path === '/key' && request.method === 'GET') return Response.json({ data: describeSelf(key) });
    if (isTooOften(path, await hashOf(text))) return errorAnswer(429, 'Rate limit exceeded', { 'retry-after': '60' });
    return key.isManagement
      ? answerManagement(account(), request, path, query)
      : errorAnswer(403, 'Only management keys can perform this operation');
  }

  /** Answers a request to `…/api/v1/…`. Rejects where a real connection would break. */
  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const path = url.pathname.replace(/^.*\/api\/v1/, '');
    const text = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? null;
    requests.push({ method: request.method, path, keyHash: text && (await hashOf(text)), at: now() });
    load.current += 1;
    load.most = Math.max(load.most, load.current);
    try {
      await wait();
      const fault = (text !== null ? faults.get(text) : undefined) ?? faults.get('*') ?? chooseFault(path + url.search, text);
      const body = request.method === 'GET' ? '' : await request.clone().text();
      const change = chooseChange(path, parseJson(body), request.method);
      const sound = async () => {
        const sincere = await route(path, request, text);
        return change ? change(sincere) : sincere;
      };
      return fault ? await answerFault(fault, request.signal, sound) : await sound();
    } finally {
      load.current -= 1;
    }
  }

  return {
    analytics,
    addKey,
    spend,
    spendInChatroom,
    /** Everything that was spent: by key text, or `null` for what no key spent. */
    allSpends: (): [string | null, readonly Spend[]][] => [...spends].map(([text, list]) => [text === CHATROOM ? null : text, list]),
    /** Lets a function decide for each request whether and how it goes wrong. `path` has its query. */
    chooseFaults: (choose: typeof chooseFault): void => {
      chooseFault = choose;
    },
    /** Lets a function change sound answers: of which request (its body if it has one, and its method), and how. */
    alter: (choose: typeof chooseChange): void => {
      chooseChange = choose;
    },
    /** Changes what OpenRouter says of a key: its name, its workspace, whether it is disabled. */
    changeKey: (text: string, change: Partial<Omit<SimulatedKey, 'text'>>): void => {
      const key = keys.get(text);
      if (key) Object.assign(key, change);
    },
    removeWorkspace: (id: string): void =>
      void workspaces.splice(
        workspaces.findIndex((workspace) => workspace.id === id),
        1,
      ),
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
