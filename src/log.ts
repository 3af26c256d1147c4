/** Structured logs. Messages of unexpected errors are left out unless they are known to contain no input. */
import { ConfigError } from './config.ts';
import { describeDatabaseError } from './db.ts';

export type LogFields = Record<string, string | number | boolean | null>;

export const logInfo = (event: string, fields: LogFields = {}): void => console.log(JSON.stringify({ event, ...fields }));

/** Name and stack; the message only of database and configuration errors. */
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
