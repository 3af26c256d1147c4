/** Who acts, and what they may do. Every verb calls `authorize` first and works on the user that it returns. */
import { fail } from './errors.ts';

export type Actor =
  | { kind: 'user'; userId: number; sessionId: number }
  | { kind: 'token'; userId: number; tokenId: number }
  | { kind: 'anonymous' };

/** `read`: keys and statistics. `manage`: everything a signed-in user may do. */
export type Permission = 'read' | 'manage';

/** @throws AppFailure `unauthenticated` if the actor may not do this */
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

/** For verbs about the session itself. */
export function authorizeSession(actor: Actor): { userId: number; sessionId: number } {
  const userId = authorize(actor, 'manage');
  return actor.kind === 'user' ? { userId, sessionId: actor.sessionId } : fail({ kind: 'unauthenticated', detail: 'Sign in for this.' });
}
