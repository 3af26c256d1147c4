/**
 * Very common passwords of 12 characters or more, in lower case: what guessing begins with. Patterns (repetitions, runs of the
 * keyboard or the alphabet) are found by rule, so only words stand here.
 */
const WORDS = new Set(
  `administrator changemeplease correcthorsebatterystaple iloveyou1234 iloveyouforever letmeinplease letmein12345 login1234567
  monkey123456 mypassword123 p@ssw0rd1234 p@ssword1234 passw0rd1234 password1234 password12345 password123456 password1234567
  password12345678 password123! password2024 password2025 password2026 passwordpassword princess1234 qwerty123456 qwerty1234567
  qwertyuiop12 qwertyuiop123 secret123456 superman1234 trustno1trustno1 welcome12345 welcome123456 welcome1welcome1
  1q2w3e4r5t6y 1q2w3e4r5t6y7u8i 1qaz2wsx3edc 1qaz2wsx3edc4rfv 123qweasdzxc qweasdzxc123 asdfghjkl123 zxcvbnm12345 abcd12345678
  abc123abc123 a1b2c3d4e5f6 football1234 baseball1234 dragon123456 sunshine1234 thisisapassword openrouter123 openroutermonitor`.split(
    /\s+/,
  ),
);

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

/** Is this one of the passwords that guessing begins with? Letter case does not make a password better. */
export function isCommonPassword(password: string): boolean {
  const text = password.toLowerCase();
  return WORDS.has(text) || isRepetition(text) || [...RUNS, ...BACKWARDS].some((run) => run.includes(text));
}
