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

/** What is kept of a secret. */
interface Verifier {
  key: Promise<CryptoKey>;
  /** The claims of tokens that were found good, and until when (epoch seconds) they are, by the token. */
  known: Map<string, { claims: SessionClaims; expiresAt: number }>;
}

/** So many good tokens are kept; then all are forgotten. */
const MAX_KNOWN = 500;

/** Made once: a browser sends the same token with every request, and to look at it again takes longer than most answers. */
const verifierOf = remember((secret: string): Verifier => {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return { key: crypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['sign', 'verify']), known: new Map() };
});

/** Signs a session's claims. Instants are epoch milliseconds, rounded down to the JWT's seconds. */
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

/** How a session's token is spelled: shorter than this, with a signature of 256 bits. Other spellings of one, which jose takes, are none. */
const TOKEN = /^[\w-]{1,200}\.[\w-]{1,600}\.[\w-]{43}$/;

/** The claims of a JWT that this secret signed and that has not expired, or null for anything else. */
export async function verifySession(secret: string, token: string, now: number): Promise<SessionClaims | null> {
  if (!TOKEN.test(token)) return null;
  const { key, known } = verifierOf(secret);
  const verified = known.get(token) ?? (await verify(await key, token, now));
  if (verified === null || verified.expiresAt <= Math.floor(now / 1000)) return null;
  if (known.size >= MAX_KNOWN && !known.has(token)) known.clear();
  known.set(token, verified);
  return verified.claims;
}
