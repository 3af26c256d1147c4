/** An event as each kind of receiver wants it. Pure but for the signature. */
import { fromBase64 } from '../lib/base64.ts';
import { SECOND_MS } from '../lib/day.ts';
import type { ChannelType, HttpTarget } from './channel-model.ts';
import type { Figures } from './words.ts';

/** What is sent of an event. */
export interface Notice {
  eventId: number;
  kind: 'fired' | 'recovered' | 'test';
  rule: string;
  title: string;
  text: string;
  figures: Figures;
  /** Where the figures are shown. */
  url: string;
  at: number;
}

/** A request to a receiver. */
export interface Outgoing {
  url: string;
  headers: Record<string, string>;
  body: string;
}

const TELEGRAM = 'https://api.telegram.org';
const SECRET_PREFIX = 'whsec_';
const KINDS: Record<Notice['kind'], string> = { fired: '', recovered: 'Recovered: ', test: '' };

const headline = ({ kind, title }: Notice): string => `${KINDS[kind]}${title}`;

/** Text in Slack's markup. Source: https://docs.slack.dev/messaging/formatting-message-text */
const escapeSlack = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Text that Discord's markdown leaves as it is. */
const escapeDiscord = (text: string): string => text.replace(/[\\*_~`|>[\]()#-]/g, '\\$&');

const BODIES: Record<Exclude<ChannelType, 'telegram' | 'email'>, (notice: Notice) => unknown> = {
  webhook: (notice) => ({
    type: `alert.${notice.kind}`,
    timestamp: new Date(notice.at).toISOString(),
    data: { id: notice.eventId, rule: notice.rule, title: notice.title, text: notice.text, figures: notice.figures, url: notice.url },
  }),
  slack: (notice) => ({ text: `*${escapeSlack(headline(notice))}*\n${escapeSlack(notice.text)}\n<${notice.url}|Show the figures>` }),
  discord: (notice) => ({
    content: `**${escapeDiscord(headline(notice))}**\n${escapeDiscord(notice.text)}\n<${notice.url}>`.slice(0, 2000),
    allowed_mentions: { parse: [] },
  }),
};

const idOf = ({ eventId }: Notice): string => `evt_${eventId}`;

/**
 * The headers of a signed webhook. Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * @param secret `whsec_` and the key in base64
 * @param at when it is sent, epoch milliseconds
 */
export async function signatureHeaders(secret: string, id: string, body: string, at: number): Promise<Record<string, string>> {
  const seconds = Math.floor(at / SECOND_MS);
  const bytes = fromBase64(secret.slice(SECRET_PREFIX.length));
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signature = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(`${id}.${seconds}.${body}`)));
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${btoa(String.fromCharCode(...signature))}` };
}

/** A new secret of a webhook: 32 random bytes. */
export const createWebhookSecret = (): string => SECRET_PREFIX + btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));

/** The same as a mail. */
export const mailOf = (notice: Notice): { subject: string; text: string } => ({
  subject: headline(notice),
  text: `${notice.text}\n\n${notice.url}\n`,
});

/** The request that tells a receiver of an event. An event has the same id in all of them, so a receiver can tell repetitions. */
export async function outgoingOf(target: HttpTarget, notice: Notice, now: number): Promise<Outgoing> {
  const json = { 'content-type': 'application/json' };
  if (target.type === 'telegram') {
    const body = {
      chat_id: target.chat_id,
      text: `${headline(notice)}\n${notice.text}\n${notice.url}`,
      link_preview_options: { is_disabled: true },
    };
    return { url: `${TELEGRAM}/bot${target.bot_token}/sendMessage`, headers: json, body: JSON.stringify(body) };
  }
  const body = JSON.stringify(BODIES[target.type](notice));
  const signature = target.type === 'webhook' ? await signatureHeaders(target.secret, idOf(notice), body, now) : {};
  return { url: target.url, headers: { ...json, ...signature }, body };
}
