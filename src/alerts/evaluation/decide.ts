/** Evaluates rules against keys, spend and time. Pure: the same input always gives the same result. */
import { addDays, earlier, periodOf } from '../../lib/day.ts';
import { describeFinding, describeRecovery, type Finding, type Recovery, type RuleMatch } from '../events/words.ts';
import type { Rule, RuleOf } from '../model.ts';
import { decideDigest, digestFrom } from './digest.ts';
import { decideBudget, decideDiscovered, decideExpiring, decideFreeRequests, decideSpike, WEEKS } from './occasions.ts';
import { type EvaluationInput, keysOf, subjectOf } from './situation.ts';
import { PACE_DAYS } from './spend.ts';
import { judgeBalance, judgeInvalid, judgeLimit, judgeOverdue, type StateResult } from './states.ts';

export interface Decision {
  findings: Finding[];
  /** `fine`: subjects without the condition, each with its recovery; `unknown`: subjects that cannot be judged now. */
  fine: ReadonlyMap<string, Recovery>;
  unknown: ReadonlySet<string>;
}

function decideStates(rule: Rule, { keys }: EvaluationInput, judge: (key: EvaluationInput['keys'][number]) => StateResult) {
  const told: RuleMatch[] = [];
  const fine = new Map<string, Recovery>();
  const unknown = new Set<string>();
  for (const key of keysOf(rule, keys)) {
    const subject = subjectOf(key.id);
    const judgement = judge(key);
    if (judgement === 'unknown') unknown.add(subject);
    if (judgement === 'unknown' || judgement === 'not_applicable') continue;
    const { is, figures } = judgement;
    if (is === 'ok') fine.set(subject, { text: describeRecovery(rule.type, figures), figures });
    else told.push({ subject, keyId: key.id, occasion: '', is: 'state', figures });
  }
  return { told, fine, unknown };
}

const once = (told: RuleMatch[]) => ({ told, fine: new Map<string, Recovery>(), unknown: new Set<string>() });

function evaluateRule(rule: Rule, situation: EvaluationInput) {
  switch (rule.type) {
    case 'budget':
      return once(decideBudget(rule, situation));
    case 'spike':
      return once(decideSpike(rule, situation));
    case 'key_expiring':
      return once(decideExpiring(rule, situation));
    case 'key_discovered':
      return once(decideDiscovered(rule, situation));
    case 'digest':
      return once(decideDigest(rule, situation));
    case 'limit_remaining': {
      const states = decideStates(rule, situation, (key) => judgeLimit(rule, key, situation));
      return { ...states, told: [...states.told, ...decideFreeRequests(rule, situation)] };
    }
    case 'balance':
      return decideStates(rule, situation, (key) => judgeBalance(rule, key, situation));
    case 'key_invalid':
      return decideStates(rule, situation, (key) => judgeInvalid(rule, key, situation));
    case 'sync_overdue':
      return decideStates(rule, situation, (key) => judgeOverdue(rule, key, situation));
  }
}

export function decide(rule: Rule, situation: EvaluationInput): Decision {
  const { told, fine, unknown } = evaluateRule(rule, situation);
  return { findings: told.map((one) => describeFinding(rule, one, situation.keys)), fine, unknown };
}

export interface KnownEvent {
  id: number;
  ruleId: number;
  subject: string;
  occasion: string;
}

export type Over = KnownEvent & Recovery;

/**
 * Compares findings with stored events: new ones fire, ended conditions recover, and conditions the rule no longer applies to end
 * silently. A condition that cannot be judged now stays as it is.
 */
export function compareWith(known: readonly KnownEvent[], rule: Pick<Rule, 'id'>, { findings, fine, unknown }: Decision) {
  const ofRule = known.filter(({ ruleId }) => ruleId === rule.id);
  const name = ({ subject, occasion }: Pick<KnownEvent, 'subject' | 'occasion'>): string => JSON.stringify([subject, occasion]);
  const stored = new Set(ofRule.map(name));
  const isReported = ({ subject, occasion, surpassedBy = [] }: Finding): boolean =>
    [occasion, ...surpassedBy].some((one) => stored.has(name({ subject, occasion: one })));
  const holding = new Set(findings.map(name));
  const ended = ofRule.filter((event) => event.occasion === '' && !holding.has(name(event)) && !unknown.has(event.subject));
  return {
    fired: findings.filter((finding) => !isReported(finding)),
    over: ended.flatMap((event): Over[] => {
      const recovery = fine.get(event.subject);
      return recovery ? [{ ...event, ...recovery }] : [];
    }),
    notApplicable: ended.filter(({ subject }) => !fine.has(subject)),
  };
}

function lookFrom(rule: Rule, today: string): string {
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
  return { from: rules.map((rule) => lookFrom(rule, today)).reduce(earlier, today), hours };
}
