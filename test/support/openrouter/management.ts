/** What a management key is told of its account: workspaces, keys, credits, activity, analytics; and how a key is changed. */
import * as z from 'zod';
import { type AnalyticsOptions, answerActivity, answerMeta, answerQuery, type SpendSource } from './analytics.ts';
import { errorAnswer } from './answers.ts';

export interface Workspace {
  id: string;
  name: string;
  slug: string;
}

/** A row of `GET /keys`. */
export interface KeyRecord {
  hash: string;
  workspace_id: string;
  disabled: boolean;
  expires_at: string | null;
  [field: string]: unknown;
}

/** What may be changed of a key. What else a body holds is passed over. */
const changeSchema = z.object({
  name: z.string().min(1).optional(),
  disabled: z.boolean().optional(),
  limit: z.number().min(0).nullable().optional(),
  limit_reset: z.enum(['daily', 'weekly', 'monthly']).nullable().optional(),
  include_byok_in_limit: z.boolean().optional(),
});
export type KeyChange = z.output<typeof changeSchema>;

export interface Account {
  workspaces: readonly Workspace[];
  listKeys(): Promise<KeyRecord[]>;
  /** Changes a key of those that `listKeys` lists. */
  change(hash: string, fields: KeyChange): Promise<void>;
  totalCreditsUsd: number;
  totalUsageUsd: number;
  now: number;
  analytics: AnalyticsOptions;
  /** What each key of the account, keys that are gone and the chatroom spent. */
  listSources(): Promise<SpendSource[]>;
}

/** The workspace to which a key belongs that names none, and the only one that `GET /keys` covers when it is not told another. */
export const DEFAULT_WORKSPACE: Workspace = { id: '0df9e665-d932-4740-b2c7-b52af166bc11', name: 'Default', slug: 'default' };

const KEYS_A_PAGE = 100;
const DEFAULT_LIMIT = 50;
const CREATED_AT = '2026-01-01T00:00:00Z';

const describeWorkspace = ({ id, name, slug }: Workspace) => ({
  id,
  name,
  slug,
  description: null,
  created_at: CREATED_AT,
  updated_at: null,
  created_by: 'user_2abcDEFghiJKLmnoPQRstuVWxyz',
  default_guardrail_id: '595d5849-7e86-41fd-a7c0-705c34e4afff',
  default_image_model: null,
  default_provider_sort: null,
  default_text_model: null,
  include_byok_in_budgets: false,
  io_logging_api_key_ids: null,
  io_logging_sampling_rate: 1,
  is_data_discount_logging_enabled: true,
  is_observability_broadcast_enabled: false,
  is_observability_io_logging_enabled: false,
});

function listWorkspaces({ workspaces }: Account, query: URLSearchParams): Response {
  const offset = Number(query.get('offset') ?? 0);
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT);
  return Response.json({ data: workspaces.slice(offset, offset + limit).map(describeWorkspace), total_count: workspaces.length });
}

async function listKeys(account: Account, query: URLSearchParams): Promise<Response> {
  const workspace = query.get('workspace_id') ?? account.workspaces[0]?.id;
  if (account.workspaces.every(({ id }) => id !== workspace)) return errorAnswer(404, 'Workspace not found');
  if (!['true', 'false', null].includes(query.get('include_expired'))) return errorAnswer(400, 'include_expired must be true or false');
  const offset = Number(query.get('offset') ?? 0);
  const keys = (await account.listKeys()).filter((key) => key.workspace_id === workspace);
  const isExpired = ({ expires_at: at }: KeyRecord) => at !== null && Date.parse(at) <= account.now;
  const shown = keys
    .filter((key) => !key.disabled || query.get('include_disabled') === 'true')
    .filter((key) => !isExpired(key) || query.get('include_expired') === 'true');
  return Response.json({ data: shown.slice(offset, offset + KEYS_A_PAGE) });
}

/** A body that is no JSON is none that a call could take. */
const readJson = (request: Request): Promise<unknown> => request.json().catch(() => undefined);

/** `GET` and `PATCH /keys/{hash}`. A body that makes no sense changes nothing. */
async function answerKey(account: Account, request: Request, hash: string): Promise<Response> {
  const find = async () => (await account.listKeys()).find((candidate) => candidate.hash === hash);
  if (!(await find())) return errorAnswer(404, 'API key not found');
  if (request.method === 'PATCH') {
    const change = changeSchema.safeParse(await readJson(request));
    if (!change.success) return errorAnswer(400, `Invalid input: ${change.error.issues[0]?.path.join('.') ?? ''}`);
    await account.change(hash, change.data);
  }
  return Response.json({ data: await find() });
}

const describeCredits = ({ totalCreditsUsd, totalUsageUsd }: Account): Response =>
  Response.json({ data: { total_credits: totalCreditsUsd, total_usage: totalUsageUsd } });

/** Answers a management call. Another method than a path has finds nothing. */
export async function answerManagement(account: Account, request: Request, path: string, query: URLSearchParams): Promise<Response> {
  const call = `${request.method} ${path}`;
  if (call === 'GET /workspaces') return listWorkspaces(account, query);
  if (call === 'GET /keys') return listKeys(account, query);
  if (call === 'GET /credits') return describeCredits(account);
  if (call === 'GET /activity') return answerActivity(await account.listSources(), query, account.now);
  if (call === 'GET /analytics/meta') return answerMeta();
  if (call === 'POST /analytics/query') {
    const asked = (await readJson(request)) as Parameters<typeof answerQuery>[1] | undefined;
    return asked ? answerQuery(await account.listSources(), asked, account.now, account.analytics) : errorAnswer(400, 'Invalid JSON');
  }
  const hash = /^(?:GET|PATCH) \/keys\/([0-9a-f]{64})$/.exec(call)?.[1];
  return hash === undefined ? errorAnswer(404, 'Not Found') : answerKey(account, request, hash);
}
