/**
 * The only module that talks to OpenRouter. A secret goes only into the `Authorization` header below `OPENROUTER_BASE_URL`; redirects are
 * never followed; nothing is logged.
 */
import type * as z from 'zod';
import { SECOND_MS } from '../lib/day.ts';
import { err, ok, type Result } from '../lib/result.ts';
import {
  type ActivityRow,
  activityAnswerSchema,
  type Credits,
  creditsAnswerSchema,
  isSet,
  type KeyChange,
  type KeyRecord,
  keyRecordAnswerSchema,
  keysAnswerSchema,
  type ModelName,
  modelsAnswerSchema,
  settingsOf,
  type Workspace,
  workspacesAnswerSchema,
} from './account.ts';
import { type AnalyticsAnswer, type AnalyticsQuery, analyticsAnswerSchema, queryBody, readAnswer } from './analytics.ts';
import { classify, type OpenRouterError, parseJson, unavailable } from './failure.ts';
import { parseRetryAfter } from './retry-after.ts';
import { type KeyInfo, keyAnswerSchema } from './schema.ts';

/** `unchanged`: 200, but the returned record lacks the change. */
export type ChangeError = OpenRouterError | { kind: 'unchanged' };

type Answer<T, E = OpenRouterError> = Promise<Result<T, E>>;

export interface OpenRouter {
  /** `GET /key`: a key about itself. */
  getKey(key: string): Answer<KeyInfo>;
  /** `GET /workspaces`: all workspaces of a management key's account. */
  listWorkspaces(key: string): Answer<Workspace[]>;
  /** `GET /keys`, 100 a page: all keys of a workspace, also disabled and expired ones. */
  listKeys(key: string, workspaceId: string): Answer<KeyRecord[]>;
  /** `GET /credits`, for management keys only: others may get zeros. */
  getCredits(key: string): Answer<Credits>;
  /** `GET /activity`: the last 30 completed days of one key (by its hash) or of the account. */
  getActivity(key: string, hash: string | null): Answer<ActivityRow[]>;
  getKeyRecord(key: string, hash: string): Answer<KeyRecord>;
  /** `PATCH /keys/{hash}`: the only call that changes anything, for the breaker. The answer shows the change. */
  updateKey(key: string, hash: string, change: KeyChange): Answer<KeyRecord, ChangeError>;
  /** `POST /analytics/query`, at most 64 a minute. */
  queryAnalytics(key: string, query: AnalyticsQuery): Answer<AnalyticsAnswer>;
  /** `GET /models`, without a key. */
  listModels(): Answer<ModelName[]>;
}

export interface OpenRouterOptions {
  baseUrl: string;
  fetch: (input: string, init: RequestInit) => Promise<Response>;
  now(): number;
  timeoutMs?: number;
}

const TIMEOUT_MS = 10 * SECOND_MS;
const PAGE_SIZE = 100;
/** No account has a longer list. */
const MAX_PAGES = 100;
const MAX_ANSWER_BYTES = 5 * 1024 * 1024;

async function readCapped(response: Response, limit: number): Promise<string | null> {
  if (!response.body) return '';
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let size = 0;
  let text = '';
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    size += chunk.value.byteLength;
    if (size > limit) {
      await reader.cancel();
      return null;
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
  return text + decoder.decode();
}

async function collectPages<T>(getPage: (offset: number) => Answer<T[]>): Answer<T[]> {
  const all: T[] = [];
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await getPage(page * PAGE_SIZE);
    if (!answer.ok) return answer;
    all.push(...answer.value);
    if (answer.value.length < PAGE_SIZE) return ok(all);
  }
  return err({ kind: 'unexpected_shape', path: 'a list without an end' });
}

interface Call {
  key: string | null;
  body?: unknown;
  method?: 'PATCH';
  canNarrow?: boolean;
}

/** OpenRouter's API as far as the monitor uses it. Failures are values. */
export function createOpenRouter(options: OpenRouterOptions): OpenRouter {
  const send = (path: string, { key, body, method }: Call): Promise<Response> =>
    options.fetch(`${options.baseUrl}${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        accept: 'application/json',
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
    });

  async function ask<T>(path: string, call: Call, schema: z.ZodType<T>): Answer<T> {
    try {
      const response = await send(path, call);
      const body = await readCapped(response, MAX_ANSWER_BYTES);
      if (body === null) return call.canNarrow ? err({ kind: 'too_wide', maxDays: null }) : unavailable('an answer that is too large');
      if (response.status !== 200) {
        return classify(
          response.status,
          body,
          parseRetryAfter(response.headers.get('retry-after'), options.now()),
          call.canNarrow ?? false,
        );
      }
      const json = parseJson(body);
      if (json === undefined) return unavailable('an answer that is not JSON');
      const parsed = schema.safeParse(json);
      if (parsed.success) return ok(parsed.data);
      return err({ kind: 'unexpected_shape', path: parsed.error.issues[0]?.path.join('.') ?? '' });
    } catch (error) {
      return unavailable(error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : 'no connection');
    }
  }

  async function askForPage<T>(path: string, key: string, schema: z.ZodType<{ data: T[] }>): Answer<T[]> {
    const answer = await ask(path, { key }, schema);
    return answer.ok ? ok(answer.value.data) : answer;
  }

  /** Rejects the record of another key. */
  async function askForRecord(call: Call, hash: string): Answer<KeyRecord> {
    const answer = await ask(`/keys/${hash}`, call, keyRecordAnswerSchema);
    return answer.ok && answer.value.hash !== hash ? err({ kind: 'unexpected_shape', path: 'data.hash' }) : answer;
  }

  return {
    getKey: (key) => ask('/key', { key }, keyAnswerSchema),
    listWorkspaces: (key) =>
      collectPages((offset) => askForPage(`/workspaces?limit=${PAGE_SIZE}&offset=${offset}`, key, workspacesAnswerSchema)),
    listKeys: (key, workspaceId) =>
      collectPages((offset) =>
        askForPage(
          `/keys?include_disabled=true&workspace_id=${encodeURIComponent(workspaceId)}&offset=${offset}&include_expired=true`,
          key,
          keysAnswerSchema,
        ),
      ),
    getCredits: (key) => ask('/credits', { key }, creditsAnswerSchema),
    getActivity: (key, hash) => askForPage(hash === null ? '/activity' : `/activity?api_key_hash=${hash}`, key, activityAnswerSchema),
    getKeyRecord: (key, hash) => askForRecord({ key }, hash),
    async updateKey(key, hash, change) {
      const answer = await askForRecord({ key, method: 'PATCH', body: change }, hash);
      return answer.ok && !isSet(settingsOf(answer.value), change) ? err({ kind: 'unchanged' }) : answer;
    },
    async queryAnalytics(key, query) {
      const answer = await ask('/analytics/query', { key, body: queryBody(query), canNarrow: true }, analyticsAnswerSchema);
      if (!answer.ok) return answer;
      const read = readAnswer(answer.value, query);
      return read.ok ? read : err({ kind: 'unexpected_shape', path: `data.data.${read.error}` });
    },
    listModels: () => ask('/models?output_modalities=all', { key: null }, modelsAnswerSchema),
  };
}
