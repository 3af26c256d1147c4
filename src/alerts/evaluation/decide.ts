/** Evaluates rules against keys, spend and time. Pure: the same input always gives the same result. */
import { addDays, earlier, periodOf } from '../../lib/day.ts';
import { describeFinding, describeRecovery, type Finding, type Recovery, type RuleMatch } from '../events/describe.ts';
import type { Rule, RuleOf } from '../model.ts';
import { type ConditionResult, evaluateBalance, evaluateInvalid, evaluateLimit, evaluateOverdue } from './conditions.ts';
import { decideDigest, digestFrom } from './digest.ts';
import { decideBudget, decideDiscovered, decideExpiring, decideFreeRequests, decideSpike, WEEKS } from './one-time.ts';
import { type EvaluationInput, keysOf, subjectOf } from './situation.ts';
import { PACE_DAYS } from './spend.ts';

export interface Decision {
  findings: Finding[];
  /** `ok`: subjects without the condition, each with its recovery; `unknown`: subjects that cannot be judged now. */
  ok: ReadonlyMap<string, Recovery>;
  unknown: ReadonlySet<string>;
}

function evaluateConditions(rule: Rule, { keys }: EvaluationInput, evaluate: (key: EvaluationInput['keys'][number]) => ConditionResult) {
  const matches: RuleMatch[] = [];
  const ok = new Map<string, Recovery>();
  const unknown = new Set<string>();
  for (const key of keysOf(rule, keys)) {
    const subject = subjectOf(key.id);
    const result = evaluate(key);
    if (result === 'unknown') unknown.add(subject);
    if (result === 'unknown' || result === 'not_applicable') continue;
    const { is, figures } = result;
    if (is === 'ok') ok.set(subject, { text: describeRecovery(rule.type, figures), figures });
    else matches.push({ subject, keyId: key.id, dedupeKey: '', is: 'condition', figures });
  }
  return { matches, ok, unknown };
}

const oneTime = (matches: RuleMatch[]) => ({ matches, ok: new Map<string, Recovery>(), unknown: new Set<string>() });

function evaluateRule(rule: Rule, situation: EvaluationInput) {
  switch (rule.type) {
    case 'budget':
      return oneTime(decideBudget(rule, situation));
    case 'spike':
      return oneTime(decideSpike(rule, situation));
    case 'key_expiring':
      return oneTime(decideExpiring(rule, situation));
    case 'key_discovered':
      return oneTime(decideDiscovered(rule, situation));
    case 'digest':
      return oneTime(decideDigest(rule, situation));
    case 'limit_remaining': {
      const states = evaluateConditions(rule, situation, (key) => evaluateLimit(rule, key, situation));
      return { ...states, matches: [...states.matches, ...decideFreeRequests(rule, situation)] };
    }
    case 'balance':
      return evaluateConditions(rule, situation, (key) => evaluateBalance(rule, key, situation));
    case 'key_invalid':
      return evaluateConditions(rule, situation, (key) => evaluateInvalid(rule, key, situation));
    case 'sync_overdue':
      return evaluateConditions(rule, situation, (key) => evaluateOverdue(rule, key, situation));
  }
}

export function decide(rule: Rule, situation: EvaluationInput): Decision {
  const { matches, ok, unknown } = evaluateRule(rule, situation);
  return { findings: matches.map((one) => describeFinding(rule, one, situation.keys)), ok, unknown };
}

export interface KnownEvent {
  id: number;
  ruleId: number;
  subject: string;
  dedupeKey: string;
}

export type Over = KnownEvent & Recovery;

/** New findings fire, ended conditions recover, or end silently where the rule no longer applies. Those of unknown state stay. */
export function compareWith(known: readonly KnownEvent[], rule: Pick<Rule, 'id'>, { findings, ok, unknown }: Decision) {
  const ofRule = known.filter(({ ruleId }) => ruleId === rule.id);
  const name = ({ subject, dedupeKey }: Pick<KnownEvent, 'subject' | 'dedupeKey'>): string => JSON.stringify([subject, dedupeKey]);
  const stored = new Set(ofRule.map(name));
  const isReported = ({ subject, dedupeKey, surpassedBy = [] }: Finding): boolean =>
    [dedupeKey, ...surpassedBy].some((one) => stored.has(name({ subject, dedupeKey: one })));
  const holding = new Set(findings.map(name));
  const ended = ofRule.filter((event) => event.dedupeKey === '' && !holding.has(name(event)) && !unknown.has(event.subject));
  return {
    fired: findings.filter((finding) => !isReported(finding)),
    over: ended.flatMap((event): Over[] => {
      const recovery = ok.get(event.subject);
      return recovery ? [{ ...event, ...recovery }] : [];
    }),
    notApplicable: ended.filter(({ subject }) => !ok.has(subject)),
  };
}

function firstDayOf(rule: Rule, today: string): string {
  switch (rule.type) {
    case 'budget':
      // Yesterday's period counts for some more hours.
      return earlier(periodOf(rule.period, addDays(today, -1)).from, rule.forecast ? addDays(today, -PACE_DAYS) : today);
    case 'digest':
      return digestFrom(rule, today);
    case 'spike':
      return addDays(today, -7 * WEEKS - 1);
    case 'balance':
      return rule.days === undefined ? today : addDays(today, -PACE_DAYS);
    default:
      return today;
  }
}

/** How far back the rules need spend, and which hours. */
export function reachOf(rules: readonly Rule[], today: string): { from: string; hours: 'none' | 'credits' | 'all' } {
  const hourly = rules.filter((rule) => rule.type === 'spike' && rule.window === 'hour') as RuleOf<'spike'>[];
  const hours = hourly.some(({ counts }) => counts !== 'credits') ? 'all' : hourly.length > 0 ? 'credits' : 'none';
  return { from: rules.map((rule) => firstDayOf(rule, today)).reduce(earlier, today), hours };
}
