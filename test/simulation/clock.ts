/** Simulated time. What is planned happens one after the other, each after everything that the one before set off has come to rest. */

export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** How many planned acts have happened. */
  steps(): number;
  /** Plans an act for an instant; one that is past comes next. Acts of one instant keep their order. */
  schedule(at: number, act: () => void): void;
  /** Resolves when so many simulated milliseconds are over. */
  sleep(ms: number): Promise<void>;
  /** Lets time run until `end` (inclusive), and `afterStep` look at each state that is at rest. What it throws ends the run. */
  runUntil(end: number, afterStep: () => void): Promise<void>;
}

/** All that is left to promises and streams is done once the event loop gets round to this: nothing here waits for real time. */
const comeToRest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A clock that stands at an instant. */
export function createClock(startAt: number): Clock {
  const agenda: { at: number; act: () => void }[] = [];
  let now = startAt;
  let steps = 0;

  function schedule(at: number, act: () => void): void {
    let index = agenda.length;
    while (index > 0 && (agenda[index - 1]?.at ?? 0) > at) index -= 1;
    agenda.splice(index, 0, { at, act });
  }

  async function runUntil(end: number, afterStep: () => void): Promise<void> {
    for (let next = agenda[0]; next !== undefined && next.at <= end; next = agenda[0]) {
      agenda.shift();
      now = Math.max(now, next.at);
      steps += 1;
      next.act();
      await comeToRest();
      afterStep();
    }
    now = Math.max(now, end);
    await comeToRest();
  }

  return {
    now: () => now,
    steps: () => steps,
    schedule,
    sleep: (ms) => new Promise((resolve) => schedule(now + ms, resolve)),
    runUntil,
  };
}
