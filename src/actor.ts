/**
 * Who acts, and what each may do: a verb calls `authorize` first and gets the user whose data it may touch.
 */
import { fail } from './errors.ts';

export type Actor =
  | { kind: 'user'; userId: number; sessionId: number }
  | { kind: 'token'; userId: number; tokenId: number }
  | { kind: 'anonymous' };

/** `read`: look at keys and statistics. `manage`: everything that a signed-in user can do. */
export type Permission = 'read' | 'manage';

/**
 * The user on whose behalf the actor acts.
 * @throws AppFailure `unauthenticated` if the actor may not do this
 */
export function authorize(actor: Actor, permission: Permission): number {
  switch (actor.kind) {
    case 'user':
      return actor.userId;
    case 'token':
      if (permission === 'read') return actor.userId;
      return fail({ kind: 'unauthenticated', detail: 'An API token only reads the public API. Sign in for this.' });
    case 'anonymous':
      return fail({ kind: 'unauthenticated', detail: 'Send "Authorization: Bearer" with a session or an API token.' });
  }
}

/** The session that acts, for the verbs that concern the session itself. */
export function authorizeSession(actor: Actor): { userId: number; sessionId: number } {
  const userId = authorize(actor, 'manage');
  return actor.kind === 'user' ? { userId, sessionId: actor.sessionId } : fail({ kind: 'unauthenticated', detail: 'Sign in for this.' });
}
