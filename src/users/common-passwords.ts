/** Passwords that attackers try first: patterns, found by rule, and a list. Pure. */

const RUNS = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  '12345678901234567890',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
];
const BACKWARDS = RUNS.map((run) => [...run].reverse().join(''));

/** `aaaa…`, `abcabc…` */
const isRepetition = (text: string): boolean => /^(.{1,6}?)\1+.{0,5}$/su.test(text) && new Set(text).size <= 6;

/** Letter case and equivalent characters do not make a password better. */
const plain = (password: string): string => password.normalize('NFKC').toLowerCase();

export function isPattern(password: string): boolean {
  const text = plain(password);
  return isRepetition(text) || [...RUNS, ...BACKWARDS].some((run) => run.includes(text));
}

/** The list has one password per line, in lower case. */
export const isListed = (list: string, password: string): boolean => `\n${list}\n`.includes(`\n${plain(password)}\n`);

export const TOO_COMMON = 'Too common';
