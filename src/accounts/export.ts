/** Everything that is stored of a user, as one JSON document in pieces: no secret, no hash of one. */
import { type Actor, authorizeSession } from '../actor.ts';
import type { Deps } from '../deps.ts';
import { listViews } from '../explore/actions.ts';
import { listKeys } from '../keys/actions.ts';
import { addDays, dayOf } from '../lib/day.ts';
import { listTokens } from '../tokens/actions.ts';
import { presentToken } from '../tokens/model.ts';
import { readStored } from '../usage/actions.ts';
import { getAccount, listSessions } from './actions.ts';

/** The ledger is read in so many pieces, however long the retention: three statements each, so that the Free plan's 50 suffice. */
const PIECES = 12;

async function* ledgerPieces(deps: Deps, actor: Actor): AsyncGenerator<string> {
  const days = deps.config.retentionDays + 1;
  const step = Math.ceil((days + 1) / PIECES);
  const today = dayOf(deps.now());
  let separator = '';
  for (let from = addDays(today, -days); from <= today; from = addDays(from, step)) {
    for (const row of await readStored(deps, actor, from, addDays(from, step - 1))) {
      yield `${separator}${JSON.stringify(row)}`;
      separator = ',\n';
    }
  }
}

/** The document, piece by piece: the account with all that belongs to it, then the ledger of both sources. */
export async function* exportAccount(deps: Deps, actor: Actor): AsyncGenerator<string> {
  authorizeSession(actor);
  const account = await getAccount(deps, actor);
  const sessions = await listSessions(deps, actor);
  const head = {
    exported_at: new Date(deps.now()).toISOString(),
    account,
    sessions: sessions.map(({ client, createdAt, expiresAt }) => ({
      client,
      created_at: new Date(createdAt).toISOString(),
      expires_at: new Date(expiresAt).toISOString(),
    })),
    keys: await listKeys(deps, actor),
    tokens: (await listTokens(deps, actor)).map(presentToken),
    views: (await listViews(deps, actor)).map(({ name, query }) => ({ name, query })),
  };
  yield `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "ledger": [\n`;
  yield* ledgerPieces(deps, actor);
  yield '\n]}\n';
}
