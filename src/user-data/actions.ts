/** Deletes a user with everything that belongs to them. */
import type * as z from 'zod';
import { type Actor, authorizeSession } from '../actor.ts';
import { deleteAllAlertsStatements } from '../alerts/store.ts';
import { closeStatements } from '../audit/actions.ts';
import { runBatch } from '../db.ts';
import type { Deps } from '../deps.ts';
import { deleteAllViewsStatement } from '../explore/store.ts';
import { deleteAllAccountsStatements, deleteAllKeysStatement } from '../keys/store.ts';
import { deleteAllTokensStatement } from '../tokens/store.ts';
import { requestPurgeStatement } from '../usage/booking/retention-store.ts';
import { deleteAllSumsStatement } from '../usage/rollup/store.ts';
import type { deleteAccountSchema } from '../users/model.ts';
import { confirmPassword, hashEmail } from '../users/password-check.ts';
import * as store from '../users/store.ts';

/** Access, secrets, tokens and sessions go at once, the ledger soon after in steps. */
export async function deleteAccount(deps: Deps, actor: Actor, input: z.infer<typeof deleteAccountSchema>): Promise<void> {
  const { userId } = authorizeSession(actor);
  const { email } = await confirmPassword(deps, actor, userId, input.password, 'password');
  await runBatch(deps.db, [
    ...store.deleteUserStatements(deps.db, userId, await hashEmail(email)),
    deleteAllKeysStatement(deps.db, userId),
    ...deleteAllAccountsStatements(deps.db, userId),
    deleteAllViewsStatement(deps.db, userId),
    deleteAllTokensStatement(deps.db, userId),
    ...deleteAllAlertsStatements(deps.db, userId),
    deleteAllSumsStatement(deps.db, userId),
    requestPurgeStatement(deps.db, userId, deps.now()),
    ...closeStatements(deps, userId),
  ]);
  deps.defer(() => deps.enqueue([{ job: 'purge' }]));
}
