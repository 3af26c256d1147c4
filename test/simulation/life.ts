/** What goes on around the monitor: keys are made, changed, deleted and spend, crons ring more or less, users come and go. */
import { HOUR_MS, MINUTE_MS } from '../../src/lib/day.ts';
import { sha256Hex } from '../../src/lib/sha256.ts';
import { WORKSPACES } from '../support/account.ts';
import { act } from './actions.ts';
import { makeKey, type Person, signIn, spend } from './people.ts';
import type { World } from './world.ts';

const HOURLY = '3 * * * *';
const DAILY = '0 2 * * *';
const WEEKLY = '0 3 * * SUN';

const MAX_KEYS = 8;
/** A session lasts for seven days; people sign in daily. */
const SIGN_IN_HOURS = 24;

/** Which crons are meant to ring in the hour that begins at `hour`, and when. */
function ringsOf(hour: number): { cron: string; at: number }[] {
  const date = new Date(hour);
  const rings = [{ cron: HOURLY, at: hour + 3 * MINUTE_MS }];
  if (date.getUTCHours() === 2) rings.push({ cron: DAILY, at: hour });
  if (date.getUTCHours() === 3 && date.getUTCDay() === 0) rings.push({ cron: WEEKLY, at: hour });
  return rings;
}

/** Plans the rings of an hour, each once and in time. */
export function planRings({ clock, launch, ringCron }: World, hour: number): void {
  for (const { cron, at } of ringsOf(hour)) clock.schedule(at, () => launch(ringCron(cron, at)));
}

/** Plans them late, twice, or not at all. */
function planUnreliableRings({ clock, dice, launch, ringCron }: World, hour: number): void {
  for (const { cron, at } of ringsOf(hour)) {
    if (dice.chance(0.06)) continue;
    const times = dice.chance(0.06) ? 2 : 1;
    const lateMs = dice.chance(0.1) ? dice.between(0, 50 * MINUTE_MS) : dice.between(0, 500);
    for (let time = 0; time < times; time++) clock.schedule(at + lateMs, () => launch(ringCron(cron, at)));
  }
}

/**
 * Deletes a key at OpenRouter; of an account that is read as a whole only one that was listed before. Of another one nobody can know that
 * the account's total holds what its counters told.
 */
async function removeKey({ d1 }: World, person: Person, text: string): Promise<void> {
  const { id, simulator, account, isManager } = person;
  const hash = await sha256Hex(text);
  if (isManager && d1.ask('SELECT 1 FROM upstream_key WHERE user_id = ? AND hash = ? AND counted_at IS NOT NULL', id, hash).length === 0)
    return;
  const index = account.keys.indexOf(text);
  if (index >= 0) account.keys.splice(index, 1);
  person.hasLostKeys = true;
  simulator.removeKey(text);
}

/** What OpenRouter's own users do with their keys. */
async function changeUpstream(world: World, person: Person): Promise<void> {
  const { dice } = world;
  const { simulator, account, protectedTexts } = person;
  const text = dice.pick(account.keys);
  const roll = dice.random();
  if (roll < 0.04 && account.keys.length < MAX_KEYS) makeKey(world, person);
  else if (roll < 0.07 && account.keys.length > 1 && !protectedTexts.has(text)) await removeKey(world, person, text);
  else if (roll < 0.11) simulator.changeKey(text, { isDisabled: dice.chance(0.5) });
  else if (roll < 0.14) simulator.changeKey(text, { name: `${person.mark} renamed`, workspaceId: dice.pick(WORKSPACES).id });
  else if (roll < 0.15 && person.isManager) simulator.changeKey(account.management, { isDisabled: dice.chance(0.5) });
}

function planVisits(world: World, person: Person, hour: number): void {
  const { clock, dice, launch } = world;
  // Half of them while the hour's keys are read.
  const [from, to] = dice.chance(0.5) ? [3 * MINUTE_MS, 3.5 * MINUTE_MS] : [0, HOUR_MS - 1];
  for (let visits = dice.between(0, 2); visits > 0; visits--)
    clock.schedule(hour + dice.between(from, to), () => launch(act(world, person)));
}

/**
 * Plans an hour in which anything happens. `isOut`: no cron rings.
 * @param hour when it begins, epoch milliseconds
 */
export function planHour(world: World, people: readonly Person[], hour: number, isOut: boolean): void {
  const { clock, dice, launch } = world;
  if (!isOut) planUnreliableRings(world, hour);
  for (const person of people) {
    clock.schedule(hour + dice.between(0, HOUR_MS - 1), () => launch(changeUpstream(world, person)));
    clock.schedule(hour, () => {
      spend(person, dice, hour, hour + HOUR_MS);
      // While keys are read, and read again.
      for (const minute of [3, 4]) spend(person, dice, hour + minute * MINUTE_MS, hour + (minute + 1) * MINUTE_MS, 0.3);
    });
    if (Math.floor(hour / HOUR_MS) % SIGN_IN_HOURS === 0) clock.schedule(hour, () => launch(signIn(world, person)));
    planVisits(world, person, hour);
  }
}

/** Everything at OpenRouter works again, for keys that are still there. */
export function mendUpstream({ simulator, second }: Person): void {
  for (const one of [simulator, second.simulator]) for (const { text } of one.keys()) one.changeKey(text, { isDisabled: false });
}
