import type { Deps } from '../deps.ts';
import { fail } from '../errors.ts';
import { isForeign } from './store.ts';

type Kind = 'alert_rule' | 'channel' | 'alert_event';
const NAMES: Record<Kind, string> = { alert_rule: 'rule', channel: 'channel', alert_event: 'alert' };

export async function refuseForeign(deps: Deps, userId: number, kind: Kind, id: number): Promise<never> {
  const isTheirs = await isForeign(deps.db, userId, kind, id);
  return fail(
    isTheirs
      ? { kind: 'forbidden', detail: `This ${NAMES[kind]} belongs to somebody else.` }
      : { kind: 'not_found', detail: `There is no such ${NAMES[kind]}.` },
  );
}
