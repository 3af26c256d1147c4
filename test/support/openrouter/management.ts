/** What a management key is told of its account: workspaces, keys, credits, activity, analytics; and how a key is changed. */
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
  [field: string]: unknown;
}

export interface Account {
  workspaces: readonly Workspace[];
  listKeys(): Promise<KeyRecord[]>;
  /** Changes a key: its `disabled`, `limit` and `limit_reset`. */
  change(hash: string, fields: Record<string, unknown>): Promise<void>;
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
  const workspace = query.get('workspace_id') ?? DEFAULT_WORKSPACE.id;
  if (account.workspaces.every(({ id }) => id !== workspace)) return errorAnswer(404, 'Workspace not found');
  const offset = Number(query.get('offset') ?? 0);
  const keys = (await account.listKeys()).filter((key) => key.workspace_id === workspace);
  const shown = keys.filter((key) => !key.disabled || query.get('include_disabled') === 'true');
  return Response.json({ data: shown.slice(offset, offset + KEYS_A_PAGE) });
}

/** Answers a management call. `body` is read only where the call has one. */
export async function answerManagement(
  account: Account,
  method: string,
  path: string,
  query: URLSearchParams,
  body: () => Promise<unknown>,
): Promise<Response> {
  if (path === '/workspaces') return listWorkspaces(account, query);
  if (path === '/keys') return listKeys(account, query);
  if (path === '/credits') {
    return Response.json({ data: { total_credits: account.totalCreditsUsd, total_usage: account.totalUsageUsd } });
  }
  if (path === '/activity') return answerActivity(await account.listSources(), query, account.now);
  if (path === '/analytics/meta') return answerMeta();
  if (path === '/analytics/query') {
    return answerQuery(await account.listSources(), (await body()) as Parameters<typeof answerQuery>[1], account.now, account.analytics);
  }
  const hash = /^\/keys\/([0-9a-f]{64})$/.exec(path)?.[1];
  if (hash !== undefined && method === 'PATCH') await account.change(hash, (await body()) as Record<string, unknown>);
  const key = (await account.listKeys()).find((candidate) => candidate.hash === hash);
  return key ? Response.json({ data: key }) : errorAnswer(404, 'Not Found');
}
