/**
 * A result for the few callers that go on after a failure: the OpenRouter client, the cipher, token parsing.
 * Everywhere else a failure is an `AppError` that is thrown.
 */
export type Result<T, E> = { ok: true; value: T } | { ok: false; error: E };

export const ok = <T>(value: T): { ok: true; value: T } => ({ ok: true, value });

export const err = <E>(error: E): { ok: false; error: E } => ({ ok: false, error });
