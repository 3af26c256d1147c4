import * as z from 'zod';

export const createdTokenSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    token: z.string().describe('The token. Shown only once'),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'CreatedToken' });

export const tokenSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    created_at: z.iso.datetime(),
    last_used_at: z.iso.datetime().nullable(),
    is_active: z.boolean(),
    prefix: z.string().describe('The first characters of the token'),
  })
  .meta({ id: 'Token' });

export const tokensSchema = z.array(tokenSchema);
