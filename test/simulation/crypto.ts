/**
 * Web Crypto that answers at once. Node computes it in a pool of threads, in whose order what runs at the same time would go on: no seed
 * decides that.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, KeyObject, timingSafeEqual, type webcrypto } from 'node:crypto';

type CryptoKey = webcrypto.CryptoKey;

const TAG_BYTES = 16;

type Gcm = { name: string; iv: Uint8Array; additionalData: Uint8Array };

/** The bytes in a buffer of their own. */
const exact = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

const hmac = (key: CryptoKey, data: Uint8Array): Buffer => createHmac('sha256', KeyObject.from(key)).update(data).digest();

function seal({ iv, additionalData }: Gcm, key: CryptoKey, data: Uint8Array): ArrayBuffer {
  const cipher = createCipheriv('aes-256-gcm', KeyObject.from(key), iv).setAAD(additionalData);
  return exact(Buffer.concat([cipher.update(data), cipher.final(), cipher.getAuthTag()]));
}

function open({ iv, additionalData }: Gcm, key: CryptoKey, data: Uint8Array): ArrayBuffer {
  const decipher = createDecipheriv('aes-256-gcm', KeyObject.from(key), iv).setAAD(additionalData);
  decipher.setAuthTag(data.subarray(-TAG_BYTES));
  return exact(Buffer.concat([decipher.update(data.subarray(0, -TAG_BYTES)), decipher.final()]));
}

/** What is imported stays readable, since `KeyObject.from` wants it so. */
const importKey = crypto.subtle.importKey.bind(crypto.subtle) as (...parameters: unknown[]) => Promise<CryptoKey>;

const AT_ONCE = {
  importKey: (format: string, data: Uint8Array, algorithm: object, _: boolean, usages: string[]) =>
    importKey(format, data, algorithm, true, usages),
  digest: async (_: string, data: Uint8Array) => exact(createHash('sha256').update(data).digest()),
  encrypt: async (algorithm: Gcm, key: CryptoKey, data: Uint8Array) => seal(algorithm, key, data),
  decrypt: async (algorithm: Gcm, key: CryptoKey, data: Uint8Array) => open(algorithm, key, data),
  sign: async (_: string, key: CryptoKey, data: Uint8Array) => exact(hmac(key, data)),
  verify: async (_: string, key: CryptoKey, signature: Uint8Array, data: Uint8Array) => timingSafeEqual(hmac(key, data), signature),
};

/** Makes SHA-256, AES-256-GCM and HMAC-SHA-256 of `crypto.subtle` answer at once; returns the way back. */
export function computeAtOnce(): () => void {
  Object.assign(crypto.subtle, AT_ONCE);
  return () => {
    for (const name of Object.keys(AT_ONCE)) Reflect.deleteProperty(crypto.subtle, name);
  };
}
