/** Rule forms, and the rules they make. Pure. */
import * as z from 'zod';
import type { FieldError } from '../../errors.ts';
import { createRuleSchema, parametersOf, RULE_TYPES, type Rule, type RuleInput, type RuleType } from '../model.ts';

export interface FormField {
  name: string;
  label: string;
  initial: string;
  hint?: string;
  /** People enter percents, rules hold shares. `percents`: a list. */
  kind: 'number' | 'percent' | 'percents' | 'choice' | 'check' | 'password';
  options?: readonly (readonly [value: string, label: string])[];
}

const number = (name: string, label: string, initial: string, hint?: string): FormField => ({
  name,
  label,
  initial,
  kind: 'number',
  ...(hint && { hint }),
});

const countsField = (initial: string): FormField => ({
  name: 'counts',
  label: 'Count',
  initial,
  kind: 'choice',
  options: [
    ['credits', 'credits'],
    ['byok', 'BYOK: spend on your own provider keys'],
    ['both', 'credits and BYOK'],
  ],
});

export const FORM_FIELDS: Record<RuleType, readonly FormField[]> = {
  budget: [
    number('amount_usd', 'Amount (USD)', ''),
    countsField('credits'),
    {
      name: 'period',
      label: 'Period',
      initial: 'month',
      kind: 'choice',
      options: [
        ['day', 'day'],
        ['week', 'week'],
        ['month', 'month'],
      ],
    },
    { name: 'thresholds', label: 'Thresholds (%)', initial: '50, 80, 100', kind: 'percents', hint: 'Each fires once per period.' },
    { name: 'forecast', label: 'Also warn when on track to exceed', initial: '', kind: 'check' },
    {
      name: 'action',
      label: 'When the budget is used up',
      initial: 'none',
      kind: 'choice',
      options: [
        ['none', 'notify only'],
        ['dry_run', 'dry run (report only)'],
        ['disable', 'disable the key at OpenRouter'],
        ['limit', 'limit the key to the budget at OpenRouter'],
      ],
      hint: 'Needs a key under a management key. Programs that use the key are then rejected.',
    },
    { name: 'restore', label: 'Restore automatically next period', initial: '', kind: 'check' },
    {
      name: 'password',
      label: 'Your password',
      initial: '',
      kind: 'password',
      hint: 'Required to disable or limit a key. Not stored.',
    },
  ],
  limit_remaining: [
    {
      name: 'below_ratio',
      label: 'Remaining below (%)',
      initial: '20',
      kind: 'percent',
      hint: 'Of a key’s limit, or of its account’s daily free-model requests.',
    },
  ],
  balance: [
    number('below_usd', 'Below (USD)', '10'),
    number('days', 'Or lasts less than (days)', '', 'At the pace of the last seven days. Fill in either or both.'),
  ],
  spike: [
    {
      name: 'window',
      label: 'Window',
      initial: 'day',
      kind: 'choice',
      options: [
        ['hour', 'hour'],
        ['day', 'day'],
      ],
    },
    countsField('both'),
    number('factor', 'Factor above usual', '3', 'Usual: the median of the same local hours, or weekdays, of the last four weeks.'),
    number('min_usd', 'At least (USD)', '1'),
  ],
  key_invalid: [],
  key_expiring: [number('days', 'Days before', '7')],
  key_discovered: [],
  digest: [
    {
      name: 'every',
      label: 'Every',
      initial: 'day',
      kind: 'choice',
      options: [
        ['day', 'day'],
        ['week', 'week'],
      ],
    },
    number('hour', 'Hour', '8', 'In your time zone. Weekly: on Monday.'),
  ],
  sync_overdue: [number('hours', 'Not synced for (hours)', '6')],
};

export const isAboutKeys = (type: RuleType): boolean => type !== 'key_discovered';

const SOME_FIELDS = ['key_id', ...new Set(Object.values(FORM_FIELDS).flatMap((fields) => fields.map(({ name }) => name)))];

/** Fields that only other types have. Never a password. */
export function fieldsOfOthers(type: RuleType): string[] {
  const present = new Set(['password', ...(isAboutKeys(type) ? ['key_id'] : []), ...FORM_FIELDS[type].map(({ name }) => name)]);
  return SOME_FIELDS.filter((name) => !present.has(name));
}

/** What a form keeps when its type changes: typed values, but no defaults and no answer to `act_from`. */
export function typedInto(values: Readonly<Record<string, string>>): Record<string, string> {
  const fields = FORM_FIELDS[z.enum(RULE_TYPES).catch('budget').parse(values['type'])];
  const isInitial = (name: string, value: string) => fields.some((field) => field.name === name && field.initial === value);
  const dropped = ['type', 'act_from'];
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => !dropped.includes(name) && !isInitial(name, value)));
}

const CHANNEL_FIELD = /^channel_(\d+)$/;
/** Every channel, including later ones. */
export const ALL_CHANNELS = 'all_channels';
export const channelField = (id: number): string => `channel_${id}`;

const NUMBER = /^-?\d+(\.\d+)?$/;
/** Removes the noise of binary fractions. */
const shareOf = (percent: number): number => Number((percent / 100).toPrecision(12));

/** Undefined if empty; text that does not parse stays as it is. */
function readField({ kind }: FormField, text: string | undefined): unknown {
  const trimmed = text?.trim() ?? '';
  if (kind === 'check') return trimmed !== '';
  if (trimmed === '') return undefined;
  const parse = (part: string): unknown => (NUMBER.test(part) ? Number(part) : part);
  const share = (part: string): unknown => (NUMBER.test(part) ? shareOf(Number(part)) : part);
  if (kind === 'number') return parse(trimmed);
  if (kind === 'percent') return share(trimmed);
  return kind === 'percents'
    ? trimmed
        .split(/[\s,;%]+/)
        .filter(Boolean)
        .map(share)
    : trimmed;
}

const percentText = (share: number): string => String(Number((share * 100).toPrecision(12)));

function fieldMessage(message: string, kind: FormField['kind'] | undefined): string {
  if (/expected number/.test(message)) return 'Must be a number';
  const isOfShares = kind?.startsWith('percent') && /^Must (be|include) /.test(message);
  return isOfShares ? message.replace(/\d+(\.\d+)?/, (share) => `${percentText(Number(share))}%`) : message;
}

const channelsOf = (values: Readonly<Record<string, string>>): 'all' | number[] =>
  values[ALL_CHANNELS]
    ? 'all'
    : Object.keys(values)
        .flatMap((name) => CHANNEL_FIELD.exec(name)?.[1] ?? [])
        .map(Number);

export function ruleFromForm(values: Readonly<Record<string, string>>): { rule: RuleInput } | { errors: FieldError[] } {
  const type = z.enum(RULE_TYPES).safeParse(values['type']);
  if (!type.success) return { errors: [{ path: 'type', message: 'Unknown type of rule' }] };
  const parameters = FORM_FIELDS[type.data].map((field) => [field.name, readField(field, values[field.name])] as const);
  const parsed = createRuleSchema.safeParse({
    type: type.data,
    name: values['name']?.trim() ? values['name'] : null,
    key_id: isAboutKeys(type.data) && values['key_id'] ? Number(values['key_id']) : null,
    channel_ids: channelsOf(values),
    ...Object.fromEntries(parameters.filter(([, value]) => value !== undefined)),
    ...(type.data === 'budget' && values['act_from'] && { act_from: values['act_from'] }),
  });
  if (parsed.success) return { rule: parsed.data };
  const kindOf = (name: string) => FORM_FIELDS[type.data].find((field) => field.name === name)?.kind;
  const errors = parsed.error.issues.map(({ path: [first], message }) => ({ path: String(first ?? ''), message }));
  return { errors: errors.map(({ path, message }) => ({ path, message: fieldMessage(message, kindOf(path)) })) };
}

export function formOf(rule: Rule): Record<string, string> {
  const parameters = JSON.parse(parametersOf(rule)) as Record<string, unknown>;
  const fields = FORM_FIELDS[rule.type].map(({ name, kind }) => {
    const value = parameters[name];
    if (value === undefined || kind === 'password') return [name, ''];
    if (kind === 'check') return [name, value ? 'on' : ''];
    if (kind === 'percent') return [name, percentText(Number(value))];
    return [name, kind === 'percents' ? (value as number[]).map(percentText).join(', ') : String(value)];
  });
  return {
    type: rule.type,
    name: rule.name ?? '',
    key_id: rule.key_id === null ? '' : String(rule.key_id),
    ...Object.fromEntries(fields),
    ...(rule.channel_ids === 'all' ? { [ALL_CHANNELS]: 'on' } : Object.fromEntries(rule.channel_ids.map((id) => [channelField(id), 'on']))),
  };
}
