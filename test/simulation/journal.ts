/** What happened in a run. */
import { createHash } from 'node:crypto';

/** Kept for whoever looks into a failure. */
const REMEMBERED_EVENTS = 60;

/** Notes what happens and when: a digest of everything, and the last of it. */
export function createJournal(now: () => number) {
  const digest = createHash('sha256');
  const recent: string[] = [];
  return {
    recent,
    note(event: string): void {
      const line = `${new Date(now()).toISOString()} ${event}`;
      digest.update(`${line}\n`);
      recent.push(line);
      if (recent.length > REMEMBERED_EVENTS) recent.shift();
    },
    /** SHA-256 of all of it, in hexadecimal. */
    digest: () => digest.copy().digest('hex'),
  };
}
