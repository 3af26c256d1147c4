/**
 * Full jitter, in whole seconds. Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @param attempt from 1
 * @param random from 0 to below 1
 */
export function fullJitter(attempt: number, random: number, baseS = 15, capS = 900): number {
  return 1 + Math.floor(random * Math.min(capS, baseS * 2 ** (attempt - 1)));
}
