/** A Durable Object: the Free plan allows a request 10 ms of CPU, a hash takes some 220. An instance hashes one password at a time. */
import { DurableObject } from 'cloudflare:workers';
import { hashPassword, verifyPassword } from './crypto/password.ts';

export const HASHER_INSTANCES = 8;

export class PasswordHasher extends DurableObject {
  hash(password: string): Promise<string> {
    return hashPassword(password);
  }

  verify(password: string, phc: string | null): Promise<boolean> {
    return verifyPassword(password, phc);
  }
}
