import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Action, type ArmedRule, afterFailure, changeFor, next, settledAs, stepOf } from '../../src/alerts/breaker/model.ts';
import { DAY_MS, HOUR_MS } from '../../src/lib/day.ts';
import { isSet, type KeyChange, type KeySettings } from '../../src/openrouter/account.ts';

type Kind = 'disable' | 'limit';
type Period = 'day' | 'week' | 'month';
const KINDS: readonly Kind[] = ['disable', 'limit'];
const LENGTHS: Record<Period, number> = { day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS };
const HASH = 'a'.repeat(64);

interface Armed {
  id: number;
  version: number;
  kind: Kind;
  period: Period;
  amountUsd: number;
  restore: boolean;
}

/** What becomes of a step on its way: also that it was made and nobody learned of it. */
type Fate = 'fine' | 'not reached' | 'answer lost' | 'refused' | 'not made' | 'died before' | 'died after';

const actionOf = (rule: Armed, id: number, now: number): Action => {
  const from = Math.floor(now / LENGTHS[rule.period]) * LENGTHS[rule.period];
  return {
    id,
    userId: 1,
    ruleId: rule.id,
    ruleVersion: rule.version,
    keyId: 1,
    managementId: 2,
    hash: HASH,
    kind: rule.kind,
    period: rule.period,
    periodFrom: String(from),
    amountUsd: rule.amountUsd,
    restore: rule.restore,
    restoreAt: from + LENGTHS[rule.period],
    state: 'planned',
    before: null,
    answer: null,
    attempts: 0,
    nextAt: now,
    createdAt: now,
    doneAt: null,
    restoredAt: null,
  };
};

/** A key at OpenRouter, its owner, some budgets of it, and the breaker, as its edges drive it. */
function createLife() {
  let now = 0;
  let key: KeySettings = { disabled: false, limit: 500, limit_reset: 'monthly' };
  let wish = key;
  const rules = new Map<number, Armed>();
  const actions: Action[] = [];
  /** What of the key a budget without a way back has changed last. */
  const isKept: Record<Kind, boolean> = { disable: false, limit: false };
  const writes: { action: Action; change: KeyChange; isTrip: boolean }[] = [];

  const armedRule = (id: number): ArmedRule | null => {
    const rule = rules.get(id);
    return rule ? { version: rule.version, hash: HASH } : null;
  };
  const othersOf = (action: Action) => actions.filter((one) => one !== action && ['planned', 'done', 'refused'].includes(one.state));

  function write(action: Action, change: KeyChange, isTrip: boolean): void {
    key = { ...key, ...change };
    writes.push({ action: { ...action }, change, isTrip });
    if (isTrip) {
      const rule = rules.get(action.ruleId);
      expect(rule?.version, 'a rule that was edited or deleted acts no more').toBe(action.ruleVersion);
      expect(now).toBeLessThan(action.restoreAt);
    }
  }

  function deliver(action: Action, fate: Fate): unknown {
    const step = stepOf(action, now);
    if (!step) return null;
    action.attempts += 1;
    const isLast = action.attempts >= 6;
    const fail = (of: Action, isPassing: boolean, isCertain: boolean) =>
      settle(action, afterFailure(of, { text: 'failed', isPassing, isCertain }, isLast));
    if (fate === 'not reached') return fail(action, true, false);
    const taken = next(action, armedRule(action.ruleId), key, othersOf(action), now);
    if (!taken) return null;
    if (taken.write) {
      action.before = taken.before ?? action.before;
      if (fate === 'died before') return null;
      if (fate === 'refused') return fail(action, false, true);
      if (fate === 'not made') return fail(action, false, false);
      write(action, taken.write, step === 'trip');
      if (fate === 'answer lost') return fail(action, true, false);
      if (fate === 'died after') return null;
      expect(isSet(key, taken.write)).toBe(true);
    }
    for (const one of actions) if (taken.left?.ids.includes(one.id)) one.state = 'left';
    settle(action, settledAs(action, taken));
    if (action.state === 'done' && action.kind !== 'dry_run') {
      expect(isSet(key, changeFor(action)), 'what is told as done is so').toBe(true);
      expect(action.before).not.toBeNull();
    }
    return null;
  }

  function settle(action: Action, settled: ReturnType<typeof afterFailure>): void {
    if (settled === null) return;
    const wasPlanned = action.state === 'planned';
    Object.assign(action, settled, { attempts: 0, doneAt: action.doneAt ?? now });
    const kind = action.kind as Kind;
    if (wasPlanned && action.state === 'done') isKept[kind] = !action.restore || isKept[kind];
    if (action.state === 'restored') isKept[kind] = false;
    // Given up: its owner is told, and the key stays.
    if (!wasPlanned && action.state === 'left' && action.answer === 'failed') isKept[kind] = true;
    if (wasPlanned && action.state === 'refused' && action.before !== null && !action.restore) isKept[kind] = true;
  }

  return {
    rules,
    actions,
    writes,
    deliver,
    isKept,
    key: () => key,
    wish: () => wish,
    now: () => now,
    pass: (ms: number) => {
      now += ms;
    },
    /** All of a budget is found used. */
    evaluate(id: number): Action | null {
      const rule = rules.get(id);
      if (!rule) return null;
      const fresh = actionOf(rule, actions.length + 1, now);
      const isThere = actions.some(
        (one) =>
          one.ruleId === id && one.ruleVersion === rule.version && one.period === fresh.period && one.periodFrom === fresh.periodFrom,
      );
      if (!isThere) actions.push(fresh);
      return isThere ? null : fresh;
    },
    /** The owner sets the key; not to what it looks like already, nor to what the breaker made of it: nobody could tell that. */
    setByHand(kind: Kind, change: KeyChange): void {
      const touched = actions.filter(
        (one) => one.kind === kind && one.before !== null && ['planned', 'done', 'refused'].includes(one.state),
      );
      const isAmbiguous = touched.some((one) => isSet({ ...key, ...change }, changeFor(one)));
      if (isAmbiguous || isSet(key, change)) return;
      key = { ...key, ...change };
      wish = { ...wish, ...change };
      isKept[kind] = false;
    },
    /** Everything that is due is done, until nothing is. */
    settleAll(): void {
      for (let round = 0; round < 5; round++) for (const action of [...actions]) deliver(action, 'fine');
    },
  };
}

type Life = ReturnType<typeof createLife>;

const ids = fc.integer({ min: 1, max: 3 });
const ruleArb = fc.record({
  kind: fc.constantFrom(...KINDS),
  period: fc.constantFrom<Period>('day', 'week', 'month'),
  amountUsd: fc.constantFrom(10, 20, 100),
  restore: fc.boolean(),
});
const fates = fc.constantFrom<Fate>(
  'fine',
  'fine',
  'fine',
  'not reached',
  'answer lost',
  'refused',
  'not made',
  'died before',
  'died after',
);

const steps = fc.oneof(
  fc.tuple(ids, ruleArb).map(([id, rule]) => (life: Life) => {
    life.rules.set(id, {
      ...rule,
      id,
      version: (life.rules.get(id)?.version ?? Math.max(0, ...life.actions.map((one) => one.ruleVersion))) + 1,
    });
  }),
  ids.map((id) => (life: Life) => void life.rules.delete(id)),
  ids.map((id) => (life: Life) => void life.evaluate(id)),
  ids.map((id) => (life: Life) => void life.evaluate(id)),
  fc.tuple(fc.nat({ max: 99 }), fates).map(([pick, fate]) => (life: Life) => {
    const action = life.actions[pick % Math.max(1, life.actions.length)];
    if (action) life.deliver(action, fate);
  }),
  fc.tuple(fc.nat({ max: 2 }), fates).map(([pick, fate]) => (life: Life) => {
    const action = life.actions.at(-1 - pick);
    if (action) life.deliver(action, fate);
  }),
  fc.boolean().map((disabled) => (life: Life) => life.setByHand('disable', { disabled })),
  fc
    .constantFrom(77, 300, null)
    .map((limit) => (life: Life) => life.setByHand('limit', { limit, limit_reset: limit === null ? null : 'monthly' })),
  fc.constantFrom(HOUR_MS, 12 * HOUR_MS, 3 * DAY_MS).map((ms) => (life: Life) => life.pass(ms)),
  fc.constant((life: Life) => life.settleAll()),
);

describe('the breaker, whatever happens in whatever order', () => {
  it('acts only for a rule that still is what it was, tells what is so, and leaves the key as its owner set it', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 40 }), (life) => {
        const here = createLife();
        for (const step of life) step(here);
        here.settleAll();
        here.pass(400 * DAY_MS);
        here.settleAll();
        const { disabled, limit, limit_reset } = here.wish();
        expect(here.actions.filter((one) => one.state === 'planned')).toEqual([]);
        expect(here.actions.filter((one) => one.state === 'done' && one.restore)).toEqual([]);
        if (!here.isKept.disable) expect(here.key().disabled).toBe(disabled);
        if (!here.isKept.limit) expect(here.key()).toMatchObject({ limit, limit_reset });
      }),
      { numRuns: 3000 },
    );
  });

  it('acts again when a budget that was raised is used up again, however the key came to run', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 20 }), ruleArb, ids, (life, rule, id) => {
        const here = createLife();
        for (const step of life) step(here);
        here.settleAll();
        const before = here.rules.get(id)?.version ?? 100;
        here.rules.set(id, { ...rule, id, kind: 'disable', version: before + 1 });
        here.setByHand('disable', { disabled: false });
        const action = here.evaluate(id) as Action;
        here.deliver(action, 'fine');
        expect(here.key().disabled).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('does nothing twice: what was done is not done again by the same state', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 30 }), (life) => {
        const here = createLife();
        for (const step of life) step(here);
        here.settleAll();
        const count = here.writes.length;
        here.settleAll();
        expect(here.writes).toHaveLength(count);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the next state of an action', () => {
  const rule: Armed = { id: 1, version: 3, kind: 'disable', period: 'day', amountUsd: 10, restore: true };
  const armed: ArmedRule = { version: 3, hash: HASH };
  const free: KeySettings = { disabled: false, limit: 500, limit_reset: 'monthly' };
  const held: KeySettings = { ...free, disabled: true };
  const planned = actionOf(rule, 1, HOUR_MS);
  const done: Action = { ...planned, state: 'done', before: free, doneAt: 2 * HOUR_MS };

  it('is none for a rule that was edited, moved to another key or deleted, nor for a key that has another secret', () => {
    for (const now of [null, { version: 4, hash: HASH }, { version: 2, hash: HASH }, { version: 3, hash: 'b'.repeat(64) }])
      expect(next(planned, now, free, [], HOUR_MS)).toEqual({ state: 'skipped', answer: 'The rule has changed.' });
    expect(next(planned, armed, free, [], HOUR_MS)).toMatchObject({ state: 'done', write: { disabled: true }, before: free });
  });

  it('is none once its period is over', () => {
    expect(next(planned, armed, free, [], DAY_MS)).toMatchObject({ state: 'skipped', answer: expect.stringContaining('period ended') });
  });

  it('changes nothing in a dry run', () => {
    const dry: Action = { ...planned, kind: 'dry_run' };
    expect(next(dry, armed, free, [], HOUR_MS)).toEqual({ state: 'done', answer: expect.stringContaining('Nothing was changed') });
    expect(next(dry, armed, held, [], HOUR_MS)).toMatchObject({ state: 'skipped' });
    expect(next({ ...dry, state: 'done' }, armed, held, [], 2 * DAY_MS)).toBeNull();
  });

  it('is none for an action that has no way back, or before its period is over', () => {
    expect(next({ ...done, restore: false }, armed, held, [], 2 * DAY_MS)).toBeNull();
    expect(next(done, armed, held, [], DAY_MS - 1)).toBeNull();
    expect(next(done, armed, held, [], DAY_MS)).toMatchObject({ state: 'restored' });
  });

  it('goes back only over what is in force: an action without a way back whose period is over is history', () => {
    const past: Action = { ...done, id: 9, ruleId: 9, restore: false, restoreAt: DAY_MS };
    const month: Action = { ...done, id: 8, ruleId: 8, restoreAt: 30 * DAY_MS };
    expect(next(done, null, held, [past], DAY_MS)).toMatchObject({ state: 'restored', write: { disabled: false } });
    expect(next(done, null, held, [month], DAY_MS)).toEqual({ state: 'left', answer: 'Another budget of the key is used up too.' });
    expect(next(done, null, held, [{ ...month, restore: false }], DAY_MS)).toMatchObject({ state: 'left' });
    expect(next(done, null, held, [{ ...month, kind: 'limit' }], DAY_MS)).toMatchObject({ state: 'restored' });
  });

  it('knows limits by their nano-dollars, and gives back what the owner had, not what another budget had made of it', () => {
    const limit: Action = { ...planned, kind: 'limit', amountUsd: 10.1 };
    const day: Action = { ...limit, state: 'done', before: free, doneAt: HOUR_MS };
    const month: Action = { ...limit, id: 2, ruleId: 2, period: 'month', restoreAt: 30 * DAY_MS, amountUsd: 100 };
    const byDay = { ...free, limit: 10.100000000000001, limit_reset: 'daily' };
    const taken = next(month, armed, byDay, [day], HOUR_MS);
    expect(taken).toMatchObject({ state: 'done', write: { limit: 100, limit_reset: 'monthly' }, before: free });
    expect(next(limit, armed, { ...free, limit: 100 }, [{ ...month, state: 'done', before: free }], HOUR_MS)).toMatchObject({
      state: 'skipped',
    });
    expect(isSet(byDay, changeFor(limit))).toBe(true);
    expect(isSet({ ...byDay, limit: 10.2 }, changeFor(limit))).toBe(false);
    expect(isSet({ ...byDay, limit: null }, changeFor(limit))).toBe(false);
  });

  it('knows what an action changed that was interrupted before it could say so', () => {
    const day: Action = { ...planned, kind: 'limit' };
    const made: Action = { ...day, id: 2, ruleId: 2, period: 'month', restoreAt: 30 * DAY_MS, before: free, amountUsd: 5 };
    const byMonth = { ...free, limit: 5, limit_reset: 'monthly' };
    expect(next(day, armed, byMonth, [made], HOUR_MS)).toMatchObject({ state: 'skipped' });
    expect(next({ ...day, restoreAt: 60 * DAY_MS }, armed, byMonth, [made], HOUR_MS)).toMatchObject({ state: 'done', before: free });
    expect(next({ ...day, restoreAt: 60 * DAY_MS }, armed, free, [made], HOUR_MS)).toMatchObject({ before: free, left: { ids: [] } });
    const over: Action = { ...day, state: 'done', before: free, doneAt: HOUR_MS };
    expect(next(over, armed, byMonth, [made], DAY_MS)?.answer).toBe('Another budget of the key is used up too.');
  });

  it('takes back a change of which OpenRouter did not say whether it was made, and says nothing if it was not', () => {
    const noted: Action = { ...planned, before: free };
    const passing = { text: 'out of reach', isPassing: true, isCertain: false };
    expect(afterFailure(noted, passing, false)).toBeNull();
    expect(afterFailure(noted, { ...passing, isPassing: false, isCertain: true }, false)).toMatchObject({ state: 'refused', before: null });
    const unsure: Action = { ...noted, ...afterFailure(noted, passing, true) };
    expect(unsure).toMatchObject({ state: 'refused', before: free });
    expect(next(unsure, null, held, [], DAY_MS)).toMatchObject({ state: 'restored', write: { disabled: false } });
    const unmade = next(unsure, null, free, [], DAY_MS);
    expect(unmade).toEqual({ state: 'refused', answer: 'out of reach' });
    expect(settledAs(unsure, unmade as NonNullable<typeof unmade>).before).toBeNull();
  });
});
