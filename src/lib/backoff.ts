/**
 * Full-jitter backoff: a random wait between 1 second and an exponentially growing ceiling.
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @param attempt 1 for the first failure
 * @param random a number from 0 (included) to 1 (excluded)
 * @returns whole seconds
 */
export function fullJitter(attempt: number, random: number, baseS = 15, capS = 900): number {
  return 1 + Math.floor(random * Math.min(capS, baseS * 2 ** (attempt - 1)));
}
