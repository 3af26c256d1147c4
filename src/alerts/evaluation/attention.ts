/** What needs attention, most urgent first. Pure. */
import { type Advice, adviceOf, type Key } from '../../keys/advice.ts';
import { asKnown, formatDay, formatKnownUsd, formatPercent, formatUsd } from '../../lib/format.ts';
import { BUDGET_TIMES, type Budget, isUsedUp } from '../rules/budgets.ts';

export interface Attention extends Advice {
  name: string;
  href: string;
}

interface Drift {
  date: string;
  key_id: number;
  name: string;
  drift_usd: number | null;
  byok_drift_usd: number | null;
}

const RANKS: Advice['tone'][] = ['bad', 'warn', 'info'];

/** One item per key: a single day says little. */
function driftAttention(drifts: readonly Drift[]): Attention[] {
  return [...Map.groupBy(drifts, ({ key_id: id }) => id).values()].map((ofKey) => {
    const size = ({ drift_usd, byok_drift_usd }: Drift) => Math.max(Math.abs(drift_usd ?? 0), Math.abs(byok_drift_usd ?? 0));
    const worst = ofKey.reduce((most, drift) => (size(drift) > size(most) ? drift : most));
    const [day, usd] = [formatDay(worst.date), formatUsd(size(worst))];
    const text = `OpenRouter's numbers disagree on ${ofKey.length === 1 ? `${day} by ${usd}` : `${ofKey.length} days (max ${usd} on ${day})`}.`;
    return {
      tone: 'warn',
      name: worst.name,
      href: `/keys/${worst.key_id}`,
      text,
      action: 'Compare the sources in the reconciliation of the API.',
    };
  });
}

/** OpenRouter rejects paid requests of an empty account. */
const emptyAccounts = (keys: readonly Key[]): Attention[] =>
  keys.flatMap((key) => {
    const { balance_usd: balance, managed_by: leader, status } = key;
    if (balance === null || balance > 0 || leader !== null || status !== 'active') return [];
    const text = `The account has no credits left: its balance is ${formatUsd(balance)}.`;
    return [{ tone: 'bad', name: key.name, href: `/keys/${key.id}`, text, action: 'Add credits at OpenRouter.' }];
  });

const usedUpBudgets = (budgets: readonly Budget[]): Attention[] =>
  budgets.filter(isUsedUp).map(({ name, ruleId, period, amountUsd, spentUsd, isComplete }) => ({
    tone: 'bad',
    name: `Budget for ${name}`,
    href: `/alerts/rules/${ruleId}`,
    text: `${formatKnownUsd(spentUsd, isComplete)} of ${formatUsd(amountUsd)} spent ${BUDGET_TIMES[period]} (${asKnown(formatPercent(spentUsd / amountUsd), isComplete)}).`,
    action: null,
  }));

/** Money comes first within each tone. Pauses are deliberate, so they are no item; sync progress is shown for the management key only. */
export function attentionOf(
  keys: readonly Key[],
  drifts: readonly Drift[],
  now: number,
  zone: string,
  budgets: readonly Budget[] = [],
): Attention[] {
  const ofKeys = keys.flatMap((key) =>
    adviceOf(key, now, zone)
      .filter(({ tone }) => tone !== 'quiet' && (tone !== 'info' || key.managed_by === null))
      .map((advice) => ({ ...advice, name: key.name, href: `/keys/${key.id}` })),
  );
  const ofMoney = [...emptyAccounts(keys), ...usedUpBudgets(budgets)];
  return [...ofMoney, ...ofKeys, ...driftAttention(drifts)].sort((a, b) => RANKS.indexOf(a.tone) - RANKS.indexOf(b.tone));
}
