import { Meter } from '../http/pages/meter.tsx';
import { formatByok, formatCount, formatKnownUsd, formatPercent, formatUsd } from '../lib/format.ts';
import { type Advice, type Key, limitUse, statusOf } from './advice.ts';

export const spentText = (usd: number | null, byokUsd: number | null, isComplete: boolean): string =>
  [formatKnownUsd(usd, isComplete), formatByok(byokUsd, isComplete)].filter((text) => text !== null).join(' ');

export const Status = ({ item }: { item: Key }) => {
  const { tone, label } = statusOf(item);
  return <span class={`badge ${tone}`}>{label}</span>;
};

export const AdviceList = ({ advice }: { advice: readonly Advice[] }) =>
  advice.length === 0 ? null : (
    <ul class="advice">
      {advice.map(({ tone, text, action }) => (
        <li class={tone}>
          {text} {action}
        </li>
      ))}
    </ul>
  );

export const LimitMeter = ({ item }: { item: Key }) => {
  const use = limitUse(item);
  if (!use) return null;
  return (
    <Meter label={`Limit of ${item.name}`} percent={use.percent} text={formatPercent(use.percent / 100)} high={94}>
      {formatUsd(use.left)} left of {formatUsd(use.limit)}
      {item.limit_reset !== null && `, ${item.limit_reset}`}
    </Meter>
  );
};

export const BackfillBar = ({ item }: { item: Key }) => {
  const { backfill } = item;
  if (!backfill || backfill.done >= backfill.total) return null;
  return (
    <div class="meter">
      <progress max={backfill.total} value={backfill.done} aria-label={`History of ${item.name}`}>
        {formatPercent(backfill.done / backfill.total)}
      </progress>
      <span>
        {formatCount(backfill.done)} of {formatCount(backfill.total)} days of history synced
      </span>
    </div>
  );
};
