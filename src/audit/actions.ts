/** Verbs of the audit log: other rooms record, and users look. */
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

/** A statement that records what a signed-in user does, for the batch that does it. */
export const recordStatement = (deps: Deps, userId: number, actor: Actor, action: AuditAction, subject: string | null = null) =>
  store.insertEventStatement(deps.db, userId, eventOf(deps, action, subject, actor.kind === 'user' ? actor.sessionId : null));

/** Records what was done, after it was. */
export async function record(deps: Deps, userId: number, actor: Actor, action: AuditAction, subject: string | null = null): Promise<void> {
  await runBatch(deps.db, [recordStatement(deps, userId, actor, action, subject)]);
}

/** What is left of a user's log when the user is gone: that there was one, and since when no more. For the batch that deletes the user. */
export const closeStatements = (deps: Deps, userId: number): D1PreparedStatement[] => [
  store.deleteAllEventsStatement(deps.db, userId),
  store.insertEventStatement(deps.db, userId, { ...eventOf(deps, 'account_deleted', null, null), address: null, client: null }),
];

/** Records a sign-in that failed, if there is an account; it takes as long if there is none. */
export async function recordFailedSignIn(deps: Deps, email: string): Promise<void> {
  await runBatch(deps.db, [store.insertEventOfEmailStatement(deps.db, email, eventOf(deps, 'sign_in_failed', null, null))]);
}

const EXPORTED_EVENTS = 10_000;

/** The log, for an export. */
export const exportAudit = async (deps: Deps, actor: Actor) =>
  (await listAudit(deps, actor, { limit: EXPORTED_EVENTS, cursor: undefined })).data;

/** A page of what was done to the account, the newest first. */
export async function listAudit(deps: Deps, actor: Actor, query: PageQuery) {
  const rows = await store.listEvents(deps.db, authorize(actor, 'manage'), beforeOf(query), query.limit + 1);
  const { page, next } = cutPage(rows, query.limit);
  return { data: page.map(presentAudit), next_cursor: next };
}
