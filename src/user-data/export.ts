/** All data of a user as one JSON document, in pieces: no secrets and no hashes of them. */
import { type Actor, authorizeSession } from '../actor.ts';
import { exportAlerts } from '../alerts/actions.ts';
import { exportAudit, record } from '../audit/actions.ts';
import type { Deps } from '../deps.ts';
import { listViews } from '../explore/actions.ts';
import { listKeys } from '../keys/actions.ts';
import { logError } from '../log.ts';
import { listTokens } from '../tokens/actions.ts';
import { presentToken } from '../tokens/model.ts';
import { exportLedger } from '../usage/actions.ts';
import { getAccount, listSessions } from '../users/actions.ts';

/** Whatever the retention, the ledger takes this many reads: within the Free plan's 50 statements. */
const PIECES = 7;

async function* ledgerPieces(deps: Deps, actor: Actor): AsyncGenerator<string> {
  let separator = '';
  for await (const rows of exportLedger(deps, actor, Math.ceil((deps.config.retentionDays + 2) / PIECES))) {
    if (rows.length === 0) continue;
    yield separator + rows.map((row) => JSON.stringify(row)).join(',\n');
    separator = ',\n';
  }
}

export async function* exportAccount(deps: Deps, actor: Actor): AsyncGenerator<string> {
  const { userId } = authorizeSession(actor);
  await record(deps, userId, actor, 'exported');
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
    audit: await exportAudit(deps, actor),
    alerts: await exportAlerts(deps, actor),
    views: (await listViews(deps, actor)).map(({ name, query }) => ({ name, query })),
  };
  yield `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "ledger": [\n`;
  yield* ledgerPieces(deps, actor);
  yield '\n]}\n';
}

/** If something fails, the stream fails: half a document must not look complete. */
export function streamExport(deps: Deps, actor: Actor): ReadableStream<Uint8Array> {
  const pieces = exportAccount(deps, actor);
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      } catch (error) {
        logError('export_failed', error);
        controller.error(new Error('export failed'));
      }
    },
  });
}
