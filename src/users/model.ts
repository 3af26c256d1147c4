import * as z from 'zod';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../lib/day.ts';
import { pastedSchema } from '../lib/pasted.ts';
import { resolveTimeZone } from '../lib/zone.ts';
import { isPattern, TOO_COMMON } from './common-passwords.ts';
import type { accountSchema } from './responses.ts';
import type { session, user } from './table.ts';

export type UserRow = Omit<typeof user.$inferSelect, 'statsVersion' | 'statsSeen'>;
export type SessionRow = typeof session.$inferSelect;

/** Version of a user's data, and whether a response was made from it. */
export interface StatsVersion {
  version: number;
  isSeen: boolean;
}

export const toStatsVersion = ({ version, seen }: { version: number; seen: number }): StatsVersion => ({
  version,
  isSeen: version === seen,
});

export const SESSION_MS = 7 * DAY_MS;
export const INVITATION_MS = 7 * DAY_MS;
export const PASSWORD_RESET_MS = DAY_MS;

const emailSchema = pastedSchema.max(254, 'Is too long').pipe(z.email('Must be an email address')).meta({ format: 'email' });

const passwordLength = (password: string): boolean => {
  const length = [...password].length;
  return length >= 12 && length <= 128;
};

/** `new-password.ts` checks the list of common passwords. */
const newPasswordSchema = z
  .string()
  .refine(passwordLength, 'Must have 12 to 128 characters')
  .refine((password) => !isPattern(password), TOO_COMMON)
  .meta({ minLength: 12, maxLength: 128, format: 'password' });

/** Bounded, so that nobody can make the hash function work on a book. */
const givenPasswordSchema = z.string().max(1000, 'Is too long').meta({ format: 'password' });

export const registerSchema = z.strictObject({ email: emailSchema, password: newPasswordSchema, invite: pastedSchema.max(200).optional() });
export const loginSchema = z.strictObject({ email: pastedSchema.max(254), password: givenPasswordSchema });
export const changePasswordSchema = z.strictObject({ current_password: givenPasswordSchema, new_password: newPasswordSchema });
export const resetPasswordSchema = z.strictObject({ token: pastedSchema.max(200), new_password: newPasswordSchema });
export const timeZoneSchema = z
  .string()
  .max(100)
  .transform((name, context) => {
    const zone = resolveTimeZone(name);
    if (zone !== null) return zone;
    context.addIssue({ code: 'custom', message: 'Must be an IANA time zone like Europe/Rome' });
    return z.NEVER;
  });

/** The browser sends its time zone; an unknown one becomes UTC. */
export const signUpSchema = registerSchema.extend({ time_zone: timeZoneSchema.catch('UTC') });
export const timeZoneFormSchema = z.strictObject({ time_zone: timeZoneSchema });
export const deleteAccountSchema = z.strictObject({ password: givenPasswordSchema });

export const presentAccount = (row: Pick<UserRow, 'id' | 'email' | 'createdAt'>): z.infer<typeof accountSchema> => ({
  id: row.id,
  email: row.email,
  created_at: new Date(row.createdAt).toISOString(),
});

/** Failed sign-ins per window. Beyond that even the right password is refused. */
export const MAX_FAILURES = 10;
export const FAILURE_WINDOW_MS = 15 * MINUTE_MS;

/** Seconds until the lock ends; null: not locked. @param startedAt start of the window, epoch milliseconds */
export function lockedForS(failures: number, startedAt: number, now: number): number | null {
  const leftMs = startedAt + FAILURE_WINDOW_MS - now;
  return failures < MAX_FAILURES || leftMs <= 0 ? null : Math.ceil(leftMs / SECOND_MS);
}
