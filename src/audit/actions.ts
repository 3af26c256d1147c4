import { type Actor, authorize } from '../actor.ts';
import { runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import { beforeOf, cutPage, type PageQuery } from '../lib/paging.ts';
import { type AuditAction, presentAudit } from './model.ts';
import * as store from './store.ts';

function eventOf({ caller, now }: Deps, action: AuditAction, subject: string | null, sessionId: number | null): store.NewEvent {
  const { address = null, client = null, requestId = 'job' } = caller ?? {};
  return { at: now(), action, subject, sessionId, address, client, requestId };
}

/** For the batch that does what it records. */
export const recordStatement = (deps: Deps, userId: number, actor: Actor, action: AuditAction, subject: string | null = null) =>
  store.insertEventStatement(deps.db, userId, eventOf(deps, action, subject, actor.kind === 'user' ? actor.sessionId : null));

export async function record(deps: Deps, userId: number, actor: Actor, action: AuditAction, subject: string | null = null): Promise<void> {
  await runBatch(deps.db, [recordStatement(deps, userId, actor, action, subject)]);
}

/** For the batch that deletes a user: of the log only remains that there was a user who is gone. */
export const closeStatements = (deps: Deps, userId: number): D1PreparedStatement[] => [
  store.deleteAllEventsStatement(deps.db, userId),
  store.insertEventStatement(deps.db, userId, { ...eventOf(deps, 'account_deleted', null, null), address: null, client: null }),
];

/** Takes as long where nobody has the email. */
export async function recordFailedSignIn(deps: Deps, email: string): Promise<void> {
  await runBatch(deps.db, [store.insertEventOfEmailStatement(deps.db, email, eventOf(deps, 'sign_in_failed', null, null))]);
}

const EXPORTED_EVENTS = 10_000;

export const exportAudit = async (deps: Deps, actor: Actor) =>
  (await listAudit(deps, actor, { limit: EXPORTED_EVENTS, cursor: undefined })).data;

export async function listAudit(deps: Deps, actor: Actor, query: PageQuery) {
  const rows = await store.listEvents(deps.db, authorize(actor, 'manage'), beforeOf(query), query.limit + 1);
  const { page, next } = cutPage(rows, query.limit);
  return { data: page.map(presentAudit), next_cursor: next };
}
