/** The users of the monitor, each with an account at OpenRouter of their own. */
import { DAY_MS, dayOf, HOUR_MS, MINUTE_MS, startOfDay } from '../../src/lib/day.ts';
import { type SimulatedAccount, spendAtRandom, WORKSPACES } from '../support/account.ts';
import type { AnalyticsOptions } from '../support/openrouter/analytics.ts';
import { createSimulator, type Simulator } from '../support/openrouter/simulator.ts';
import type { Dice } from './dice.ts';
import type { World } from './world.ts';

/** A token as its user remembers it. `unknown`: it is being revoked, or nobody said whether it was. */
export interface Token {
  id: number;
  text: string;
  state: 'active' | 'unknown' | 'revoked';
}

export interface Person {
  /** Stands in every name that the user gives, here and at OpenRouter. */
  mark: string;
  id: number;
  email: string;
  password: string;
  session: string | null;
  /** Whether the user gave the monitor a management key: then the account is read as a whole. */
  isManager: boolean;
  simulator: Simulator;
  /** The account's keys that OpenRouter still has. */
  account: SimulatedAccount;
  /** Another account of the same person, to and from whose secrets keys are rotated. */
  second: { simulator: Simulator; account: SimulatedAccount };
  /** Does OpenRouter have everything still that was ever spent by key? Its sources differ about a key that goes before analytics told. */
  hasLostKeys: boolean;
  /** Every text that the user ever had. */
  texts: Set<string>;
  /** Texts that OpenRouter may not forget, since what they spent could not be told any more. */
  protectedTexts: Set<string>;
  /** Ids of management keys that the user wanted to delete, whatever came of it. */
  deleted: Set<number>;
  tokens: Token[];
}

const HISTORY_DAYS = 6;
/** Source: OpenRouter's counters were seen to be late by so much. */
const LONGEST_COUNTER_LAG_MS = 40_000;

/** A fresh text of a key at OpenRouter, known as a secret. */
export function createText(world: World): string {
  const text = `sk-or-v1-${world.dice.hex(64)}`;
  world.secrets.add(text);
  return text;
}

/** Makes a key at OpenRouter. */
export function makeKey(world: World, person: Person, isManagement = false): string {
  const text = createText(world);
  const workspaceId = world.dice.pick(WORKSPACES).id;
  person.simulator.addKey(text, { isManagement, name: `${person.mark} ${person.texts.size}`, workspaceId });
  person.texts.add(text);
  if (!isManagement) person.account.keys.push(text);
  return text;
}

/** Makes a key in the person's other account. */
export function makeSecondKey(world: World, person: Person, isManagement = false): string {
  const text = createText(world);
  const { simulator, account } = person.second;
  simulator.addKey(text, { isManagement, name: `${person.mark} second ${person.texts.size}` });
  person.texts.add(text);
  if (isManagement) account.management = text;
  else account.keys.push(text);
  return text;
}

/** The account at OpenRouter to which a text belongs. */
export const simulatorOf = ({ simulator, second }: Person, text: string): Simulator =>
  second.account.keys.includes(text) || second.account.management === text ? second.simulator : simulator;

/** Lets a person's keys spend from `from` (inclusive) to `to` (exclusive), epoch milliseconds. */
export function spend({ simulator, account, second }: Person, dice: Dice, from: number, to: number, chance = 0.3): void {
  spendAtRandom(simulator, account, from, to, dice.random, chance);
  spendAtRandom(second.simulator, second.account, from, to, dice.random, chance / 2);
}

/** How OpenRouter answers questions about the past: how late, how many days at once, and in which of its spellings. */
const chooseAnalytics = (dice: Dice): Partial<AnalyticsOptions> => ({
  lagMs: dice.pick([0, 0, 5 * MINUTE_MS, 40 * MINUTE_MS, 2 * HOUR_MS]),
  slowBeyondDays: dice.pick([Number.POSITIVE_INFINITY, 20, 5]),
  maxDays: dice.pick([365, 31]),
  style: {
    prefix: dice.pick(['date', 'created_at']),
    time: dice.pick(['space', 'iso']),
    countsAsStrings: dice.chance(0.5),
    includesEnd: dice.chance(0.5),
  },
});

/** Somebody with an account at OpenRouter of a few days and keys, who does not use the monitor yet. */
export function createPerson(world: World, index: number, isManager: boolean): Person {
  const { clock, dice, faults } = world;
  const open = (options: object = {}): Simulator => {
    const made = createSimulator({ now: clock.now, wait: faults.waitUpstream, lagMs: dice.between(0, LONGEST_COUNTER_LAG_MS), ...options });
    made.chooseFaults(faults.chooseUpstream);
    Object.assign(made.analytics, chooseAnalytics(dice));
    made.buyCredits(1_000_000_000_000);
    return made;
  };
  const simulator = open();
  for (const workspace of WORKSPACES.slice(1)) simulator.addWorkspace(workspace);
  const defaultWorkspace = { id: `${String(index + 1).repeat(8)}-e29b-41d4-a716-446655440000`, name: 'Second', slug: 'second' };
  const mark = `owner${index}of`;
  const person: Person = {
    ...{ mark, id: index, email: `${mark}@example.org`, password: `a passphrase of ${mark}`, session: null },
    ...{
      isManager,
      simulator,
      account: { management: '', keys: [] },
      second: { simulator: open({ defaultWorkspace }), account: { management: '', keys: [] } },
      hasLostKeys: false,
      texts: new Set(),
      protectedTexts: new Set(),
      deleted: new Set(),
      tokens: [],
    },
  };
  for (let count = dice.between(2, 4); count > 0; count--) makeKey(world, person);
  for (let count = dice.between(1, 2); count > 0; count--) makeSecondKey(world, person);
  const born = startOfDay(dayOf(clock.now())) - dice.between(1, HISTORY_DAYS) * DAY_MS;
  for (const text of [...person.account.keys, ...person.second.account.keys])
    simulatorOf(person, text).changeKey(text, { createdAt: new Date(born).toISOString() });
  spend(person, dice, born, Math.floor(clock.now() / HOUR_MS) * HOUR_MS);
  return person;
}

/** Signs a person in; null where that fails. */
export async function signIn(world: World, person: Person): Promise<string | null> {
  const { email, password } = person;
  const { status, body } = await world.call('POST', '/api/auth/login', { body: { email, password } });
  person.session = status === 200 ? (body as { access_token: string }).access_token : null;
  return person.session;
}

/** Registers a person, signs them in, and gives the monitor their management key if they want that. In calm weather. */
export async function settleIn(world: World, person: Person): Promise<void> {
  const { email, password } = person;
  const { status, body } = await world.call('POST', '/api/auth/register', { body: { email, password } });
  if (status !== 201) throw new Error(`registration answered ${status}`);
  person.id = (body as { id: number }).id;
  await signIn(world, person);
  if (!person.isManager) return;
  person.account.management = makeKey(world, person, true);
  const added = { name: `${person.mark} account`, key: person.account.management };
  const answer = await world.call('POST', '/api/keys', { token: person.session, body: added });
  if (answer.status !== 201) throw new Error(`the management key was answered with ${answer.status}`);
}
