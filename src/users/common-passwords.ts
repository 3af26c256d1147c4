/** Passwords that guessing begins with: patterns, which are found by rule, and a list. Pure. */

const RUNS = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  '12345678901234567890',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
];
const BACKWARDS = RUNS.map((run) => [...run].reverse().join(''));

/** Is it one short piece over and over (`aaaa…`, `abcabc…`)? */
const isRepetition = (text: string): boolean => /^(.{1,6}?)\1+.{0,5}$/su.test(text) && new Set(text).size <= 6;

/** What is compared: neither letter case nor another way of writing the same characters makes a password better. */
const plain = (password: string): string => password.normalize('NFKC').toLowerCase();

/** Is it a repetition, or a run of the keyboard or the alphabet? */
export function isPattern(password: string): boolean {
  const text = plain(password);
  return isRepetition(text) || [...RUNS, ...BACKWARDS].some((run) => run.includes(text));
}

/** Is it in a list that has one a line, in lower case? */
export const isListed = (list: string, password: string): boolean => `\n${list}\n`.includes(`\n${plain(password)}\n`);

/** What is said of both. */
export const TOO_COMMON = 'Is one of the passwords that everybody tries first';
