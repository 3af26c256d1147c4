/**
 * The session's JWT: HS256 with an algorithm allow-list. It proves nothing alone: its `sid` must name a session row that lives.
 */
import { errors, jwtVerify, SignJWT } from 'jose';
import { remember } from '../lib/remember.ts';

const ISSUER = 'openrouter-monitor';
const AUDIENCE = 'openrouter-monitor/session';

export interface SessionClaims {
  userId: number;
  sessionId: number;
}

/** Imported once, since that takes longer than to check a signature. */
const secretKey = remember((secret: string) =>
  crypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']),
);

/** Signs a session's claims. Instants are epoch milliseconds, rounded down to the JWT's seconds. */
export async function signSession(secret: string, claims: SessionClaims, issuedAt: number, expiresAt: number): Promise<string> {
  return new SignJWT({ sid: String(claims.sessionId) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(String(claims.userId))
    .setIssuedAt(Math.floor(issuedAt / 1000))
    .setExpirationTime(Math.floor(expiresAt / 1000))
    .sign(await secretKey(secret));
}

/** The claims of a JWT that this secret signed and that has not expired, or null for anything else. */
export async function verifySession(secret: string, token: string, now: number): Promise<SessionClaims | null> {
  try {
    const { payload } = await jwtVerify(token, await secretKey(secret), {
      algorithms: ['HS256'],
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['exp', 'sub', 'sid'],
      currentDate: new Date(now),
    });
    const claims = { userId: Number(payload.sub), sessionId: Number(payload['sid']) };
    return Number.isSafeInteger(claims.userId) && Number.isSafeInteger(claims.sessionId) ? claims : null;
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}
