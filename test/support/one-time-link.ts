import { env } from 'cloudflare:workers';
import { createSecretToken, hashSecretToken, type TOKEN_PREFIX } from '../../src/crypto/secret-token.ts';
import { DAY_MS } from '../../src/lib/day.ts';
import type { World } from './world.ts';

/** An invitation (`userId` is null) or a reset link that is good for a day, as its operator makes one; gives its token. */
export async function insertLink(
  world: World,
  prefix: (typeof TOKEN_PREFIX)[keyof typeof TOKEN_PREFIX],
  userId: number | null,
): Promise<string> {
  const token = createSecretToken(prefix);
  await env.DB.prepare('INSERT INTO one_time_link (token_hash, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)')
    .bind(await hashSecretToken(token), userId, world.clock.now, world.clock.now + DAY_MS)
    .run();
  return token;
}
