import * as z from 'zod';

export const digitsSchema = (min: number, max: number, message: string) =>
  z
    .string(message)
    .refine((text) => /^(0|[1-9]\d{0,15})$/.test(text), message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message)
    .meta({ type: 'integer', minimum: min, ...(max < Number.MAX_SAFE_INTEGER && { maximum: max }) });

export const idSchema = digitsSchema(1, Number.MAX_SAFE_INTEGER, 'Must be a positive integer');

export const idParams = z.object({ id: idSchema });
