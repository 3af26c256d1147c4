/** Password hashes: scrypt in a PHC string. The caller pays the CPU time: a Durable Object. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

export interface ScryptParameters {
  /** log2 of the cost N. */
  ln: number;
  r: number;
  p: number;
}

/** N=2^15, r=8, p=3. Source: OWASP Password Storage Cheat Sheet; ASVS 5.0 appendix C */
export const PASSWORD_PARAMETERS: ScryptParameters = { ln: 15, r: 8, p: 3 };

const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** 128·N·r bytes at these parameters (32 MiB), and the blocks beside it. */
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');

/** NFKC: the same password from another keyboard or system. Source: NIST SP 800-63B, 3.1.1.2 */
const normalize = (password: string): string => password.normalize('NFKC');

function derive(password: string, salt: Buffer, { ln, r, p }: ScryptParameters, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(normalize(password), salt, length, { N: 2 ** ln, r, p, maxmem: MAX_MEMORY_BYTES }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

function format({ ln, r, p }: ScryptParameters, salt: Buffer, hash: Buffer): string {
  return `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(hash)}`;
}

export async function hashPassword(password: string, parameters = PASSWORD_PARAMETERS): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return format(parameters, salt, await derive(password, salt, parameters, HASH_BYTES));
}

/** Compares in constant time. `null` (unknown email) costs the same work, so that timing reveals nothing. */
export async function verifyPassword(password: string, phc: string | null, parameters = PASSWORD_PARAMETERS): Promise<boolean> {
  const match = PHC.exec(phc ?? format(parameters, Buffer.alloc(SALT_BYTES), Buffer.alloc(HASH_BYTES)));
  if (!match) return false;
  const [, ln, r, p, salt = '', hash = ''] = match;
  const expected = Buffer.from(hash, 'base64');
  const used = { ln: Number(ln), r: Number(r), p: Number(p) };
  const actual = await derive(password, Buffer.from(salt, 'base64'), used, expected.length);
  return timingSafeEqual(actual, expected);
}

/** A hash with other parameters is made anew at the next sign-in. */
export function needsRehash(phc: string, parameters = PASSWORD_PARAMETERS): boolean {
  return !phc.startsWith(`$scrypt$ln=${parameters.ln},r=${parameters.r},p=${parameters.p}$`);
}
