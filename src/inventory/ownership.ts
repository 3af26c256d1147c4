/** Refusals of keys that are not the user's. */
import type { Deps } from '../deps.ts';
import { fail } from '../errors.ts';
import { hasKeyAcrossUsers } from './store.ts';

export async function refuseForeignKey(deps: Deps, id: number): Promise<never> {
  const isForeign = await hasKeyAcrossUsers(deps.db, id);
  return fail(
    isForeign ? { kind: 'forbidden', detail: 'This key belongs to somebody else.' } : { kind: 'not_found', detail: 'Key not found.' },
  );
}
