/**
 * Random secrets (API tokens, one-time links): the prefix names the kind, the checksum rejects typos without a query. Only the SHA-256 is
 * stored.
 * Source: https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
 */
import { crc32 } from 'node:zlib';
import { encodeBase62, randomBase62 } from '../lib/base62.ts';
import { sha256Hex } from '../lib/sha256.ts';

export const TOKEN_PREFIX = { api: 'or_api_', invitation: 'or_inv_', passwordReset: 'or_pwr_' } as const;
export type TokenPrefix = (typeof TOKEN_PREFIX)[keyof typeof TOKEN_PREFIX];

/** 40 base62 characters are 238 bits. */
const RANDOM_LENGTH = 40;
const CHECKSUM_LENGTH = 6;

const checksum = (body: string): string => encodeBase62(crc32(body), CHECKSUM_LENGTH);

/** Prefix, 40 random base62 characters, 6 of CRC-32. */
export function createSecretToken(prefix: TokenPrefix): string {
  const body = prefix + randomBase62(RANDOM_LENGTH);
  return body + checksum(body);
}

/** Checks form and checksum without I/O. */
export function isSecretToken(prefix: TokenPrefix, text: string): boolean {
  const length = prefix.length + RANDOM_LENGTH;
  return (
    text.length === length + CHECKSUM_LENGTH &&
    text.startsWith(prefix) &&
    /^[0-9A-Za-z]+$/.test(text.slice(prefix.length)) &&
    text.slice(length) === checksum(text.slice(0, length))
  );
}

export const hashSecretToken = (token: string): Promise<string> => sha256Hex(token);

/** For lists: the prefix and four characters (24 of 238 bits). */
export const visiblePrefix = (token: string): string => token.slice(0, TOKEN_PREFIX.api.length + 4);
