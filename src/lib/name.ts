import * as z from 'zod';
import { trimInvisible } from './pasted.ts';

const LENGTH = 'Must have 1 to 100 characters';

export const nameSchema = z
  .string()
  .trim()
  .min(1, { error: LENGTH, abort: true })
  .max(100, LENGTH)
  .refine((name) => trimInvisible(name) !== '', LENGTH)
  .refine((name) => name.isWellFormed(), 'Must be well-formed Unicode')
  .regex(/^\P{Cc}*$/u, 'Must not contain control characters');
