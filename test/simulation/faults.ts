/** What goes wrong at the edges: between the Worker and D1, OpenRouter and the queue. Nothing does in calm weather. */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/lib/day.ts';
import type { Fault } from '../support/openrouter/faults.ts';
import type { Clock } from './clock.ts';
import type { Trip } from './d1.ts';
import type { Dice } from './dice.ts';

/** Probabilities of failure, and (`slow`) that an answer takes its time. */
interface Weather {
  d1: number;
  upstream: number;
  queue: number;
  slow: number;
}

const CALM: Weather = { d1: 0, upstream: 0, queue: 0, slow: 0 };
const CLIMATE: readonly Weather[] = [
  { ...CALM, slow: 0.02 },
  { d1: 0.01, upstream: 0.03, queue: 0.02, slow: 0.02 },
  { d1: 0.05, upstream: 0.05, queue: 0.05, slow: 0.05 },
  { d1: 0.01, upstream: 0.02, queue: 0.02, slow: 0.4 },
  { d1: 0, upstream: 0.4, queue: 0.01, slow: 0.02 },
  { d1: 0.3, upstream: 0.02, queue: 0.1, slow: 0.02 },
];

const status = (...codes: Extract<Fault, { kind: 'status' }>['status'][]): Fault[] =>
  codes.map((code) => ({ kind: 'status', status: code }));

const FAULTS: readonly Fault[] = [
  ...status(400, 401, 402, 403, 404, 408, 500, 502, 503, 524, 529),
  { kind: 'rate_limited' },
  { kind: 'rate_limited', retryAfter: '7' },
  { kind: 'rate_limited', retryAfter: '900' },
  { kind: 'rate_limited', retryAfter: 'soon' },
  { kind: 'html', status: 401 },
  { kind: 'html', status: 200 },
  { kind: 'missing_field', field: 'usage' },
  { kind: 'wrong_type', field: 'usage_daily' },
  { kind: 'wrong_type', field: 'data' },
  { kind: 'redirect', location: 'https://elsewhere.test/api/v1/key' },
  { kind: 'refused', message: 'Time range exceeds the maximum of 3 days for this query' },
  { kind: 'truncated' },
  { kind: 'drop' },
];

/** Longer than this nobody waits for OpenRouter (`openrouter/client.ts`). */
const TIMEOUT_MS = 10 * SECOND_MS;
/** D1 ends a batch after so long. Source: https://developers.cloudflare.com/d1/platform/limits/ */
const LATEST_ANSWER_MS = 30 * SECOND_MS;
const LONGEST_DELAY_MS = 10 * MINUTE_MS;

/** The queue took nothing, or did not say that it took something. */
export class QueueFailure extends Error {
  override name = 'QueueFailure';
}

const failures = ['before', 'after', 'overloaded'] as const;

/** The faults of a run. `note` tells of each. */
export function createFaults(clock: Clock, dice: Dice, note: (event: string) => void) {
  let weather = CALM;
  let isOver = true;

  const isBad = (place: keyof Weather): boolean => weather[place] > 0 && dice.chance(weather[place]);
  const latency = (latest: number): number => (isBad('slow') ? dice.between(100, latest) : dice.between(1, 20));

  /** A question to D1: it may fail before or after it took effect, and its answer may come late, while others go on. */
  const trip: Trip = async (work) => {
    const fate = isBad('d1') ? dice.pick(failures) : 'sound';
    if (fate !== 'sound') note(`d1 ${fate}`);
    const isDone = fate === 'sound' || fate === 'after';
    const result = isDone ? work() : undefined;
    await clock.sleep(latency(LATEST_ANSWER_MS));
    if (fate === 'overloaded') throw new Error('D1_ERROR: D1 DB is overloaded. Requests queued for too long.');
    if (fate !== 'sound') throw new Error('D1_ERROR: Network connection lost.');
    return result as ReturnType<typeof work>;
  };

  /** A call to OpenRouter that nobody answers in time. */
  async function hang(): Promise<never> {
    await clock.sleep(TIMEOUT_MS);
    throw new DOMException('The operation was aborted due to timeout', 'TimeoutError');
  }

  function changeWeather(): void {
    if (isOver) return;
    weather = dice.pick(CLIMATE);
    note(`weather ${JSON.stringify(weather)}`);
    clock.schedule(clock.now() + dice.between(HOUR_MS / 4, 6 * HOUR_MS), changeWeather);
  }

  return {
    trip,
    hang,
    /** Does nobody answer a call to OpenRouter? */
    isSilent: (): boolean => isBad('upstream') && dice.chance(0.1),
    /** What goes wrong with a call that is answered, or null. */
    chooseUpstream(): Fault | null {
      const fault = isBad('upstream') ? dice.pick(FAULTS) : null;
      if (fault) note(`upstream ${JSON.stringify(fault)}`);
      return fault;
    },
    /** Passes the time that OpenRouter takes to answer. */
    waitUpstream: (): Promise<void> => clock.sleep(latency(TIMEOUT_MS - SECOND_MS)),
    /** Whether the queue fails, and whether it took the messages nevertheless. */
    chooseQueue: (): 'sound' | 'before' | 'after' => (isBad('queue') ? dice.pick(['before', 'after'] as const) : 'sound'),
    /** What the queue makes of a message: for each copy the delay with which it comes, in milliseconds. */
    chooseCopies(): number[] {
      const delay = () => (!isOver && dice.chance(0.05) ? dice.between(0, LONGEST_DELAY_MS) : dice.between(0, 2000));
      if (isBad('queue') && dice.chance(0.5)) return [];
      return isBad('queue') ? [delay(), delay()] : [delay()];
    },
    /** From now on things go wrong. */
    begin(): void {
      isOver = false;
      changeWeather();
    },
    /** From now on nothing goes wrong any more. */
    end(): void {
      isOver = true;
      weather = CALM;
    },
  };
}

export type Faults = ReturnType<typeof createFaults>;
