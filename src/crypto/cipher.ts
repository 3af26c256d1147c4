/** Secrets at rest: AES-256-GCM, `v1.<kid>.<iv>.<ciphertext>` in base64url. Bound to its row by the additional data. */
import { base64url } from 'jose';
import { err, ok, type Result } from '../lib/result.ts';

/** Key-encryption keys by id: the first one encrypts, all decrypt. */
export type Keyring = readonly { kid: string; secret: Uint8Array }[];

export interface CiphertextPlace {
  column: string;
  userId: number;
  /** SHA-256 of the plaintext, stored beside it. */
  hash: string;
}

/** `missing_kid`: the keyring lacks the key; `broken`: malformed, altered or moved. */
export type CipherError = { kind: 'missing_kid'; kid: string } | { kind: 'broken' };

const VERSION = 'v1';
/** 96 bits: the size that GCM is made for. Source: NIST SP 800-38D, 8.2.2 */
const IV_BYTES = 12;

const encoder = new TextEncoder();

const additionalData = (place: CiphertextPlace, kid: string): Uint8Array =>
  encoder.encode(JSON.stringify([VERSION, place.column, place.userId, place.hash, kid]));

const importKey = (secret: Uint8Array, usage: 'encrypt' | 'decrypt'): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', secret, 'AES-GCM', false, [usage]);

export async function encrypt(keyring: Keyring, place: CiphertextPlace, plaintext: string): Promise<{ envelope: string; kid: string }> {
  const [current] = keyring;
  if (!current) throw new Error('The keyring is empty');
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const sealed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: additionalData(place, current.kid) },
    await importKey(current.secret, 'encrypt'),
    encoder.encode(plaintext),
  );
  return { envelope: [VERSION, current.kid, base64url.encode(iv), base64url.encode(new Uint8Array(sealed))].join('.'), kid: current.kid };
}

export async function decrypt(keyring: Keyring, place: CiphertextPlace, envelope: string): Promise<Result<string, CipherError>> {
  const [version, kid, iv, sealed, ...rest] = envelope.split('.');
  if (version !== VERSION || !kid || !iv || !sealed || rest.length > 0) return err({ kind: 'broken' });
  const entry = keyring.find((candidate) => candidate.kid === kid);
  if (!entry) return err({ kind: 'missing_kid', kid });
  try {
    const plain = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: base64url.decode(iv), additionalData: additionalData(place, kid) },
      await importKey(entry.secret, 'decrypt'),
      base64url.decode(sealed),
    );
    return ok(new TextDecoder().decode(plain));
  } catch {
    return err({ kind: 'broken' });
  }
}
