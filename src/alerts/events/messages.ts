/** Messages for each type of channel. Pure except for the signature. */
import { fromBase64 } from '../../lib/base64.ts';
import { cutText } from '../../lib/cut.ts';
import { SECOND_MS } from '../../lib/day.ts';
import type { ChannelType, HttpTarget } from '../channels/model.ts';
import type { GroupMessage } from './group-message.ts';

export interface Outgoing {
  url: string;
  headers: Record<string, string>;
  body: string;
}

const TELEGRAM = 'https://api.telegram.org';
const SECRET_PREFIX = 'whsec_';
const KINDS: Record<GroupMessage['kind'], string> = { fired: '', recovered: 'Recovered: ', test: '' };

const headline = ({ kind, title }: GroupMessage): string => `${KINDS[kind]}${title}`;

/** Source: https://docs.slack.dev/messaging/formatting-message-text */
const escapeSlack = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const escapeDiscord = (text: string): string => text.replace(/[\\*_~`|>[\]()#-]/g, '\\$&');

type Escape = (text: string) => string;

/** Leaves room for the text and, above all, the link. */
const MAX_HEAD = 250;

/** At most `max` characters. Only the text is cut; the link always remains. */
function compose(notice: GroupMessage, max: number, { toMarkup, head, link }: { toMarkup: Escape; head: Escape; link: string }): string {
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
/** Longer subjects are folded or rejected. */
const MAX_SUBJECT = 150;
const MAX_MAIL = 20_000;

const BODIES: Record<Exclude<ChannelType, 'telegram' | 'email'>, (notice: GroupMessage) => unknown> = {
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

const idOf = ({ eventId }: GroupMessage): string => `evt_${eventId}`;

/**
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * @param secret `whsec_` and the key in base64
 * @param at epoch milliseconds
 */
export async function signatureHeaders(secret: string, id: string, body: string, at: number): Promise<Record<string, string>> {
  const seconds = Math.floor(at / SECOND_MS);
  const bytes = fromBase64(secret.slice(SECRET_PREFIX.length));
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signature = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(`${id}.${seconds}.${body}`)));
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${btoa(String.fromCharCode(...signature))}` };
}

export const createWebhookSecret = (): string => SECRET_PREFIX + btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));

export const mailOf = (notice: GroupMessage): { subject: string; text: string } => ({
  subject: cutText(headline(notice).replaceAll(/\s+/g, ' '), MAX_SUBJECT),
  text: `${cutText(notice.text, MAX_MAIL)}\n\n${notice.url}\n`,
});

/** The id of an event is the same in all attempts, so receivers can drop duplicates. */
export async function outgoingOf(target: HttpTarget, notice: GroupMessage, now: number): Promise<Outgoing> {
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
