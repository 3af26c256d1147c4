/** What rules are decided from, and what they are about. Pure. */
import type { Key } from '../../keys/advice.ts';
import type { Fact } from '../../usage/model.ts';
import type { Rule } from '../model.ts';
import type { Spend } from './spend.ts';

/** Everything that rules are decided from. */
export interface EvaluationInput {
  now: number;
  zone: string;
  keys: readonly Key[];
  spend: Spend;
  /** Of the days that rules look at. */
  facts: readonly Fact[];
}

/** What a rule is about, as events name it. */
export const subjectOf = (keyId: number | null): string => (keyId === null ? 'all' : `key:${keyId}`);

/** The keys that a rule is about. */
export const keysOf = ({ key_id: keyId }: Pick<Rule, 'key_id'>, keys: readonly Key[]): Key[] =>
  keys.filter(({ id }) => keyId === null || keyId === id);
