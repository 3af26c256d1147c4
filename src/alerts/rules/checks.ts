/** Checks of a rule beyond its schema. */
import { type Actor, authorize } from '../../actor.ts';
import { record } from '../../audit/actions.ts';
import type { Deps } from '../../deps.ts';
import { type FieldError, fail, failField, failFields } from '../../errors.ts';
import { listKeys } from '../../keys/actions.ts';
import { isPasswordOf } from '../../users/password-check.ts';
import type { Rule, RuleInput } from '../model.ts';
import * as store from '../store.ts';

export type Keys = Awaited<ReturnType<typeof listKeys>>;

const namedChannels = (rule: Pick<Rule, 'channel_ids'> | null): number[] =>
  rule === null || rule.channel_ids === 'all' ? [] : rule.channel_ids;

/** Keys and channels must be the user's; those named before may be gone. */
export async function checkReferences(deps: Deps, actor: Actor, rule: RuleInput, before: Pick<Rule, 'key_id' | 'channel_ids'> | null) {
  const keys = await listKeys(deps, actor);
  const rows = await store.listChannels(deps.db, authorize(actor, 'manage'));
  const channels = new Set([...rows.map(({ id }) => id), ...namedChannels(before)]);
  const errors: FieldError[] = namedChannels(rule).flatMap((id, index) =>
    channels.has(id) ? [] : { path: `channel_ids.${index}`, message: 'Is not one of your channels' },
  );
  const isKnown = rule.key_id === null || rule.key_id === before?.key_id || keys.some(({ id }) => id === rule.key_id);
  if (!isKnown) errors.unshift({ path: 'key_id', message: 'Is not one of your keys' });
  if (errors.length > 0) failFields(errors);
  return keys;
}

/** Actions need a key under a management key. */
export function checkActionKey(rule: RuleInput, keys: Keys): void {
  if (rule.type !== 'budget' || rule.action === 'none') return;
  const key = keys.find(({ id }) => id === rule.key_id);
  if (!key || key.kind === 'management' || key.managed_by === null) failField('key_id', 'Is not a key under a management key');
}

/** Actions that write to OpenRouter need the password. */
export async function checkAction(deps: Deps, actor: Actor, userId: number, rule: RuleInput, keys: Keys): Promise<void> {
  checkActionKey(rule, keys);
  if (rule.type !== 'budget' || rule.action === 'none' || rule.action === 'dry_run') return;
  if (rule.password !== undefined && (await isPasswordOf(deps, actor, rule.password))) return;
  if (rule.password !== undefined) await record(deps, userId, actor, 'password_refused');
  const detail = rule.password === undefined ? 'Enter your password to allow this action.' : 'Wrong password.';
  fail({ kind: 'forbidden', detail, path: 'password' });
}
