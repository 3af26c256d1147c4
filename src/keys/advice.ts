/** What is wrong with a key, and what to do. Pure. */
import type * as z from 'zod';
import { DAY_MS, dayOf, HOUR_MS } from '../lib/day.ts';
import { formatCount, formatInstant, formatPercent, formatUsd } from '../lib/format.ts';
import { compareProducts, nearestNano, usdFromNano } from '../lib/money.ts';
import type { keySchema } from './responses.ts';

export type Key = z.infer<typeof keySchema>;

/** `bad` stops something; `warn` will; `info` is in progress. */
export type Tone = 'good' | 'info' | 'warn' | 'bad' | 'quiet';

export interface Advice {
  tone: Tone;
  text: string;
  action: string | null;
}

/** Warn when less than this share of the limit remains. */
const NEAR_SHARE = 0.2;
const EXPIRES_SOON_MS = 7 * DAY_MS;
/** Two hourly syncs missed. */
const OVERDUE_MS = 2.5 * HOUR_MS;

const STATUSES: Record<Key['status'], { tone: Tone; label: string }> = {
  active: { tone: 'good', label: 'Active' },
  unverified: { tone: 'warn', label: 'Not verified' },
  invalid: { tone: 'bad', label: 'Invalid' },
  paused: { tone: 'quiet', label: 'Paused' },
};

export const statusOf = ({ status, is_expired: isExpired }: Pick<Key, 'status' | 'is_expired'>): { tone: Tone; label: string } =>
  status === 'invalid' && isExpired ? { tone: 'bad', label: 'Expired' } : STATUSES[status];

/** Null: no limit, or unknown. */
export function limitUse({ limit_usd: limit, limit_remaining_usd: left }: Pick<Key, 'limit_usd' | 'limit_remaining_usd'>) {
  if (limit === null || left === null || limit <= 0) return null;
  const [whole, rest] = [nearestNano(limit), nearestNano(left)];
  const share = Math.min(1, Math.max(0, (whole - rest) / whole));
  const percent = Math.floor((Math.min(whole, Math.max(0, whole - rest)) * 100) / whole);
  return { used: usdFromNano(Math.max(0, whole - rest)), left: Math.max(0, left), limit, share, percent };
}

const RESETS: Record<string, string> = { daily: 'today', weekly: 'this week', monthly: 'this month' };

function statusAdvice(key: Key): Advice | null {
  const error = key.last_error;
  switch (key.status) {
    case 'invalid':
      return {
        // A discovered key that ended was already reported: nothing to do.
        tone: key.kind === 'discovered' ? 'quiet' : 'bad',
        text: error ?? 'OpenRouter rejects the key.',
        action: key.kind === 'discovered' ? 'Its history is kept.' : 'Replace the key or delete it.',
      };
    case 'unverified':
      return { tone: 'warn', text: error ?? 'Not verified with OpenRouter yet.', action: 'Retried every hour.' };
    case 'paused':
      return { tone: 'quiet', text: 'Sync is paused.', action: 'Resume it to continue.' };
    case 'active':
      return error === null ? null : { tone: 'warn', text: error, action: 'Retried every hour.' };
  }
}

/** Keys that are paused or gone need no advice. */
export const isInUse = ({ status, vanished_at: vanishedAt }: Pick<Key, 'status' | 'vanished_at'>): boolean =>
  (status === 'active' || status === 'unverified') && vanishedAt === null;

function limitAdvice(key: Key): Advice | null {
  const use = isInUse(key) ? limitUse(key) : null;
  if (use === null || compareProducts([use.left], [NEAR_SHARE, use.limit]) > 0) return null;
  const period = RESETS[key.limit_reset ?? ''];
  return {
    tone: use.left === 0 ? 'bad' : 'warn',
    text: `${formatPercent(use.percent / 100)} of its ${formatUsd(use.limit)} limit ${period ? `for ${period} ` : ''}is used; ${formatUsd(use.left)} left.`,
    action: 'Raise the limit in OpenRouter, or stop using the key.',
  };
}

/** Null: unknown, or not of this UTC day. */
export function freeRequestsOf(key: Key, now: number): { limit: number; used: number; left: number } | null {
  const { free_requests_limit: limit, free_requests_remaining: left, free_requests_used: used, last_synced_at: at } = key;
  if (limit == null || left == null || used == null || limit <= 0 || at === null || dayOf(Date.parse(at)) !== dayOf(now)) return null;
  return { limit, used, left: Math.max(0, left) };
}

function expiryAdvice(key: Key, now: number, zone: string): Advice | null {
  const at = key.expires_at;
  if (at === null || !isInUse(key) || Date.parse(at) - now > EXPIRES_SOON_MS) return null;
  const verb = Date.parse(at) <= now ? 'Expired' : 'Expires';
  return { tone: 'warn', text: `${verb} on ${formatInstant(at, zone)}.`, action: 'Create a new key at OpenRouter, then replace this one.' };
}

function overdueAdvice({ status, last_synced_at: at, created_at: created }: Key, now: number, zone: string): Advice | null {
  if (status !== 'active' || now - Date.parse(at ?? created) < OVERDUE_MS) return null;
  return {
    tone: 'warn',
    text: at ? `Last synced on ${formatInstant(at, zone)}.` : 'Never synced.',
    action: 'Check that the hourly job runs.',
  };
}

function backfillAdvice({ backfill, status }: Key): Advice | null {
  if (!backfill || backfill.done >= backfill.total || status !== 'active') return null;
  const text = `Syncing history: ${formatCount(backfill.done)} of ${formatCount(backfill.total)} days.`;
  return { tone: 'info', text, action: null };
}

export function adviceOf(key: Key, now: number, zone: string): Advice[] {
  const ranks: Tone[] = ['bad', 'warn', 'info', 'quiet', 'good'];
  const vanished: Advice | null =
    key.vanished_at === null || key.status === 'invalid'
      ? null
      : { tone: 'quiet', text: `Removed from OpenRouter on ${formatInstant(key.vanished_at, zone)}.`, action: null };
  return [statusAdvice(key), limitAdvice(key), expiryAdvice(key, now, zone), overdueAdvice(key, now, zone), backfillAdvice(key), vanished]
    .filter((advice) => advice !== null)
    .sort((a, b) => ranks.indexOf(a.tone) - ranks.indexOf(b.tone));
}
