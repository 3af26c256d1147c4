/** What chance decides, all of it from one seed. */
import { createRandom } from '../support/random.ts';

/** A seeded source of choices. */
export function createDice(seed: number) {
  const random = createRandom(seed);
  /** A whole number from `from` to `to`, both included. */
  const between = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
  return {
    random,
    between,
    /** True with this probability. */
    chance: (probability: number): boolean => random() < probability,
    /** One of the list, which must not be empty. */
    pick: <T>(list: readonly T[]): T => list[between(0, list.length - 1)] as T,
    /** So many hexadecimal digits. */
    hex: (digits: number): string => Array.from({ length: digits }, () => between(0, 15).toString(16)).join(''),
  };
}

export type Dice = ReturnType<typeof createDice>;
