import * as z from 'zod';
import { nameSchema } from '../lib/name.ts';
import { pastedSchema } from '../lib/pasted.ts';

const secretSchema = pastedSchema
  .max(512, 'Is too long to be an OpenRouter key')
  .regex(/^sk-or-v1-[A-Za-z0-9_-]+$/, 'Must be an OpenRouter key: it starts with sk-or-v1-')
  .meta({ example: 'sk-or-v1-…' });

export const addKeySchema = z.strictObject({ name: nameSchema, key: secretSchema });
export const updateKeySchema = z.strictObject({
  name: nameSchema.optional(),
  is_active: z.boolean().optional().describe('false pauses the sync of the key'),
  key: secretSchema.optional().describe('Replaces the secret after a rotation; history is kept'),
});

/** Shows six characters of 64 at most. OpenRouter's own label may show more. */
export function maskKey(secret: string): string {
  const body = secret.slice('sk-or-v1-'.length);
  return body.length < 24 ? 'sk-or-v1-...' : `sk-or-v1-${body.slice(0, 3)}...${body.slice(-3)}`;
}
