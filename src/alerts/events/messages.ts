/** Events as each kind of receiver wants them. Pure but for the signature. */
import { fromBase64 } from '../../lib/base64.ts';
import { cutText } from '../../lib/cut.ts';
import { SECOND_MS } from '../../lib/day.ts';
import type { ChannelType, HttpTarget } from '../channels/model.ts';
import type { Notice } from './notices.ts';

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

type Escape = (text: string) => string;

/** So much of a message is its first line at most: what follows, and the link above all, has its place. */
const MAX_HEAD = 250;

/** Headline, text and link in at most `max` characters. The link is always there; what is cut is the text. */
function compose(notice: Notice, max: number, { toMarkup, head, link }: { toMarkup: Escape; head: Escape; link: string }): string {
  const first = head(cutText(headline(notice), MAX_HEAD, toMarkup));
  const text = cutText(notice.text, max - first.length - link.length - 2, toMarkup);
  return [first, text, link].filter((part) => part !== '').join('\n');
}

const same: Escape = (text) => text;
const bold =
  (mark: string): Escape =>
  (text) =>
    `${mark}${text}${mark}`;

/** Source: https://core.telegram.org/bots/api#sendmessage */
const MAX_TELEGRAM = 4096;
/** Source: https://docs.discord.com/developers/resources/webhook#execute-webhook */
const MAX_DISCORD = 2000;
/** Source: https://docs.slack.dev/reference/methods/chat.postMessage#truncating */
const MAX_SLACK = 4000;
/** Longer subjects are folded or refused on the way. */
const MAX_SUBJECT = 150;
const MAX_MAIL = 20_000;

const BODIES: Record<Exclude<ChannelType, 'telegram' | 'email'>, (notice: Notice) => unknown> = {
  webhook: ({ kind, at, eventId, rule, title, text, figures, url, count, items }) => ({
    type: `alert.${kind}`,
    timestamp: new Date(at).toISOString(),
    data: { id: eventId, rule, title, text, figures, url, count, events: items.map(({ eventId: id, ...item }) => ({ id, ...item })) },
  }),
  slack: (notice) => ({
    text: compose(notice, MAX_SLACK, { toMarkup: escapeSlack, head: bold('*'), link: `<${escapeSlack(notice.url)}|Show the figures>` }),
  }),
  discord: (notice) => ({
    content: compose(notice, MAX_DISCORD, { toMarkup: escapeDiscord, head: bold('**'), link: `<${notice.url}>` }),
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
  subject: cutText(headline(notice).replaceAll(/\s+/g, ' '), MAX_SUBJECT),
  text: `${cutText(notice.text, MAX_MAIL)}\n\n${notice.url}\n`,
});

/** The request that tells a receiver of an event. An event has the same id in all of them, so a receiver can tell repetitions. */
export async function outgoingOf(target: HttpTarget, notice: Notice, now: number): Promise<Outgoing> {
  const json = { 'content-type': 'application/json' };
  if (target.type === 'telegram') {
    const body = {
      chat_id: target.chat_id,
      text: compose(notice, MAX_TELEGRAM, { toMarkup: same, head: same, link: notice.url }),
      link_preview_options: { is_disabled: true },
    };
    return { url: `${TELEGRAM}/bot${target.bot_token}/sendMessage`, headers: json, body: JSON.stringify(body) };
  }
  const body = JSON.stringify(BODIES[target.type](notice));
  const signature = target.type === 'webhook' ? await signatureHeaders(target.secret, idOf(notice), body, now) : {};
  return { url: target.url, headers: { ...json, ...signature }, body };
}
