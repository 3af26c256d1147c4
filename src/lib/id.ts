import * as z from 'zod';

const MESSAGE = 'Must be a positive integer';

/** An id in a path or a query: a positive integer, written in digits. */
export const idSchema = z.coerce.number(MESSAGE).int(MESSAGE).positive(MESSAGE);

/** A path's `{id}`. */
export const idParams = z.object({ id: idSchema });
