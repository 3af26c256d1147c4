/** Work that goes on by itself. None of it may fail, but for what D1 and the queue did. */
import { describeDatabaseError } from '../../src/db.ts';
import { QueueFailure } from './faults.ts';
import { Violation, violated } from './violation.ts';

/** Ends the run unless it was D1 or the queue that failed. */
export function expectOutsideFailure(error: unknown): void {
  if (error instanceof Violation) throw error;
  if (error instanceof QueueFailure || describeDatabaseError(error) !== null) return;
  violated(`a job failed by itself: ${error instanceof Error ? error.stack : error}`);
}

/** No work yet. */
export function createTasks() {
  let failure: Error | null = null;
  let running = 0;
  return {
    /** Lets some work go on. */
    launch(work: Promise<unknown>): void {
      running += 1;
      void work
        .catch((error: unknown) => {
          failure ??= error instanceof Error ? error : new Error(String(error));
        })
        .finally(() => {
          running -= 1;
        });
    },
    /** How much work is under way. */
    running: () => running,
    /** Ends the run if something that was launched failed. */
    expectSound(): void {
      if (failure) throw failure;
    },
  };
}
