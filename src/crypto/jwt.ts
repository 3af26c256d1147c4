/** The session's JWT: HS256 with an algorithm allow-list. Its `sid` must name a session row that is alive. */
import { errors, jwtVerify, SignJWT } from 'jose';
import { remember } from '../lib/remember.ts';

const ISSUER = 'openrouter-monitor';
const AUDIENCE = 'openrouter-monitor/session';

export interface SessionClaims {
  userId: number;
  sessionId: number;
}

interface Verifier {
  key: Promise<CryptoKey>;
  /** Claims of verified tokens, valid until `expiresAt` (epoch seconds). */
  known: Map<string, { claims: SessionClaims; expiresAt: number }>;
}

/** Above this, the cache is emptied. */
const MAX_KNOWN = 500;

/** Cached: a browser sends the same token with every request, and verifying it takes longer than most answers. */
const verifierOf = remember((secret: string): Verifier => {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return { key: crypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['sign', 'verify']), known: new Map() };
});

/** Instants are epoch milliseconds, rounded down to seconds. */
export async function signSession(secret: string, claims: SessionClaims, issuedAt: number, expiresAt: number): Promise<string> {
  return new SignJWT({ sid: String(claims.sessionId) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(String(claims.userId))
    .setIssuedAt(Math.floor(issuedAt / 1000))
    .setExpirationTime(Math.floor(expiresAt / 1000))
    .sign(await verifierOf(secret).key);
}

async function verify(key: CryptoKey, token: string, now: number): Promise<{ claims: SessionClaims; expiresAt: number } | null> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['exp', 'sub', 'sid'],
      currentDate: new Date(now),
    });
    const claims = { userId: Number(payload.sub), sessionId: Number(payload['sid']) };
    const isSound = Number.isSafeInteger(claims.userId) && Number.isSafeInteger(claims.sessionId);
    return isSound ? { claims, expiresAt: Number(payload.exp) } : null;
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}

/** The canonical spelling, with a signature of 256 bits. jose would accept others. */
const TOKEN = /^[\w-]{1,200}\.[\w-]{1,600}\.[\w-]{43}$/;

/** Null: not signed with this secret, or expired. */
export async function verifySession(secret: string, token: string, now: number): Promise<SessionClaims | null> {
  if (!TOKEN.test(token)) return null;
  const { key, known } = verifierOf(secret);
  const verified = known.get(token) ?? (await verify(await key, token, now));
  if (verified === null || verified.expiresAt <= Math.floor(now / 1000)) return null;
  if (known.size >= MAX_KNOWN && !known.has(token)) known.clear();
  known.set(token, verified);
  return verified.claims;
}
