/** One run of the simulation: some days in which anything fails, then quiet, in which everything must come right. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/lib/day.ts';
import type { Simulator } from '../support/openrouter/simulator.ts';
import { resumeKeys } from './actions.ts';
import { computeAtOnce } from './crypto.ts';
import { checkRest, checkState, checkStep } from './invariants.ts';
import { mendUpstream, planHour, planRings } from './life.ts';
import { createPerson, type Person, settleIn, signIn, simulatorOf } from './people.ts';
import { Violation } from './violation.ts';
import { createWorld, type World } from './world.ts';

/** A Monday. Runs begin in the week after it. */
const FIRST_MONDAY = Date.parse('2026-11-02T00:00:00.000Z');
const SETTLING_MS = 20 * MINUTE_MS;
const LONGEST_WORK_MS = HOUR_MS / 2;
const HOURS_BETWEEN_CHECKS = 6;
/**
 * When all must be well again, in hours of quiet: if not the first time, then the next. A key that was refused twice is asked about once a
 * day, a text that another run asks OpenRouter to wait for likewise; then its account is read, and a day is booked when it is over.
 */
const REST_HOURS = [27, 12, 15];
/** So often crons ring in the quiet, after its first hours: each of them makes up for those that did not. */
const QUIET_RING_HOURS = 3;

export interface RunOptions {
  seed: number;
  /** How many simulated days things go wrong. */
  days: number;
}

export interface RunResult {
  /** SHA-256 of everything that happened, in order. */
  digest: string;
  steps: number;
}

interface Stage {
  world: World;
  people: Person[];
  log: string[];
}

function createStage(seed: number, log: string[]): Stage {
  const people: Person[] = [];
  const findSimulator = (text: string | null): Simulator => {
    const [first] = people;
    const owner = text === null ? first : people.find(({ texts }) => texts.has(text));
    if (!owner) throw new Error('A text of nobody was sent to OpenRouter');
    return text === null ? owner.simulator : simulatorOf(owner, text);
  };
  const start = FIRST_MONDAY + ((Math.imul(seed, 2654435761) >>> 0) % (7 * 24)) * HOUR_MS;
  const world = createWorld(seed, start, findSimulator);
  const { dice } = world;
  const kinds = [true, false, ...(dice.chance(0.3) ? [dice.chance(0.5)] : [])];
  for (const [index, isManager] of kinds.entries()) people.push(createPerson(world, index, isManager));
  return { world, people, log };
}

/** Lets time pass until some work is done, for half an hour at most. */
async function complete<T>({ world }: Stage, work: Promise<T>): Promise<T> {
  const { clock } = world;
  let isDone = false;
  const settled = work.finally(() => {
    isDone = true;
  });
  settled.catch(() => {});
  for (let waited = 0; !isDone && waited < LONGEST_WORK_MS; waited += SECOND_MS)
    await clock.runUntil(clock.now() + SECOND_MS, () => checkStep(world));
  if (!isDone) throw new Violation('a request was not answered within half an hour');
  return settled;
}

async function passHours(stage: Stage, hours: number, plan: (hour: number) => void): Promise<void> {
  const { world, people, log } = stage;
  const { clock } = world;
  for (let passed = 0; passed < hours; passed++) {
    const hour = Math.ceil(clock.now() / HOUR_MS) * HOUR_MS;
    plan(hour);
    await clock.runUntil(hour + HOUR_MS - 1, () => checkStep(world));
    if (passed % HOURS_BETWEEN_CHECKS === 0) await complete(stage, checkState(world, people, log));
  }
}

/** Anything fails, for some days; now and then no cron rings for up to a day. */
async function passStorm(stage: Stage, days: number): Promise<void> {
  const { world, people } = stage;
  let outUntil = 0;
  world.faults.begin();
  await passHours(stage, days * 24, (hour) => {
    if (world.dice.chance(0.01)) outUntil = hour + world.dice.between(3, 26) * HOUR_MS;
    planHour(world, people, hour, hour < outUntil);
  });
}

/** Nothing fails any more, and users let everything be read again. */
async function calmDown(stage: Stage): Promise<void> {
  const { world, people } = stage;
  world.faults.end();
  await world.clock.runUntil(world.clock.now() + SETTLING_MS, () => checkStep(world));
  for (const person of people) {
    mendUpstream(person);
    await complete(stage, signIn(world, person));
  }
}

/** Lets hours pass in which nothing happens but that crons ring. */
async function passQuiet(stage: Stage, hours: number): Promise<void> {
  const { world, people } = stage;
  const { clock } = world;
  let passed = 0;
  await passHours(stage, hours, (hour) => {
    if (passed % QUIET_RING_HOURS === 0 || new Date(hour).getUTCHours() === 2) planRings(world, hour);
    if (passed < 2) for (const person of people) clock.schedule(hour, () => world.launch(resumeKeys(world, person)));
    passed += 1;
  });
  await complete(stage, world.ringCron('0 3 * * SUN', clock.now()));
  await clock.runUntil(clock.now() + SETTLING_MS, () => checkStep(world));
}

/** Lets it be quiet until all is well, which may take a while. */
async function comeToRest(stage: Stage): Promise<void> {
  const { world, people, log } = stage;
  for (const [time, hours] of REST_HOURS.entries()) {
    await passQuiet(stage, hours);
    await complete(stage, checkState(world, people, log));
    const isLast = time === REST_HOURS.length - 1;
    const isWell = await complete(stage, checkRest(world, people)).then(
      () => true,
      (error: unknown) => (error instanceof Violation && !isLast ? false : Promise.reject(error)),
    );
    if (isWell) return;
    world.journal.note('not at rest yet');
  }
}

async function play(stage: Stage, days: number): Promise<void> {
  const { world, people } = stage;
  for (const person of people) await complete(stage, settleIn(world, person));
  await world.clock.runUntil(world.clock.now() + SETTLING_MS, () => checkStep(world));
  await passStorm(stage, days);
  await calmDown(stage);
  await comeToRest(stage);
}

/** Lets what the product logs go into a list; returns the way back. */
function captureLog(log: string[]): () => void {
  const { log: info, error } = console;
  console.log = console.error = (...parts: unknown[]) => void log.push(parts.map(String).join(' '));
  return () => Object.assign(console, { log: info, error });
}

/**
 * Runs the simulation once. The same seed and days make the same run.
 * @throws Violation that says where and what differs, as soon as an invariant is broken
 */
export async function simulate({ seed, days }: RunOptions): Promise<RunResult> {
  const log: string[] = [];
  const restore = [captureLog(log), computeAtOnce()];
  const stage = createStage(seed, log);
  const { world } = stage;
  const startedAt = world.clock.now();
  try {
    await play(stage, days);
    return { digest: world.journal.digest(), steps: world.clock.steps() };
  } catch (error) {
    const day = Math.floor((world.clock.now() - startedAt) / DAY_MS) + 1;
    const place = `seed ${seed}, day ${day} (${new Date(world.clock.now()).toISOString()}), step ${world.clock.steps()}`;
    const what = error instanceof Violation ? error.message : error instanceof Error ? error.stack : String(error);
    throw new Violation(`${place}: ${what}\nBefore that:\n  ${world.journal.recent.join('\n  ')}`);
  } finally {
    for (const undo of restore) undo();
    world.d1.close();
  }
}
