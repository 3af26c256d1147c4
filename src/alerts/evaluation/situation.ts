import type { Key } from '../../keys/advice.ts';
import type { Fact } from '../../usage/model.ts';
import type { Rule } from '../model.ts';
import type { Spend } from './spend.ts';

export interface EvaluationInput {
  now: number;
  zone: string;
  keys: readonly Key[];
  spend: Spend;
  facts: readonly Fact[];
}

export const subjectOf = (keyId: number | null): string => (keyId === null ? 'all' : `key:${keyId}`);

export const keysOf = ({ key_id: keyId }: Pick<Rule, 'key_id'>, keys: readonly Key[]): Key[] =>
  keys.filter(({ id }) => keyId === null || keyId === id);
