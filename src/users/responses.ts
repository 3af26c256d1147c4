import * as z from 'zod';

export const accountSchema = z.object({ id: z.int(), email: z.string(), created_at: z.iso.datetime() }).meta({ id: 'Account' });

export const signedInSchema = z
  .object({ access_token: z.string(), token_type: z.literal('bearer'), expires_in: z.int().describe('Seconds') })
  .meta({ id: 'SignedIn' });
