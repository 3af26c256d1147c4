/**
 * Structured log lines. An unexpected error is logged by name and place; its message only where it is known to hold no input.
 */
import { ConfigError } from './config.ts';
import { describeDatabaseError } from './db.ts';

export type LogFields = Record<string, string | number | boolean | null>;

export const logInfo = (event: string, fields: LogFields = {}): void => console.log(JSON.stringify({ event, ...fields }));

/** Logs an unexpected error: name, call stack without the message, and the message of a database or configuration error. */
export function logError(event: string, error: unknown, fields: LogFields = {}): void {
  const known = error instanceof ConfigError ? error.message : describeDatabaseError(error);
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  const name = error instanceof Error ? error.name : typeof error;
  console.error(
    JSON.stringify({
      event,
      ...fields,
      error: name,
      message: known,
      stack: frames
        .slice(0, 8)
        .map((line) => line.trim())
        .join(' | '),
    }),
  );
}
