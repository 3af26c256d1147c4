import type { Attention } from '../alerts/evaluation/attention.ts';
import type { Budget } from '../alerts/rules/budgets.ts';
import { BudgetList } from '../alerts/rules/meters.tsx';
import { isInUse, type Key, limitUse } from '../keys/advice.ts';
import { LimitMeter } from '../keys/views.tsx';

export const AttentionList = ({ items }: { items: readonly Attention[] }) => (
  <section class="card">
    <h2>Needs attention</h2>
    {items.length === 0 ? (
      <p class="empty">All clear.</p>
    ) : (
      <ul class="attention">
        {items.map(({ tone, name, href, text, action }) => (
          <li class={tone}>
            <a href={href}>{name}</a> <span>{text}</span> {action && <span class="hint">{action}</span>}
          </li>
        ))}
      </ul>
    )}
  </section>
);

interface BudgetsProps {
  budgets: readonly Budget[] | null;
  viewerZone: string;
  href: string;
}

export const Budgets = ({ budgets, viewerZone, href }: BudgetsProps) => (
  <section class="card">
    <h2>Budgets</h2>
    {budgets === null ? (
      <p class="empty">
        Budgets use your time zone. <a href={href}>Show the dashboard in {viewerZone}</a>
      </p>
    ) : (
      <BudgetList budgets={budgets} />
    )}
  </section>
);

export const Limits = ({ keys }: { keys: readonly Key[] }) => {
  const limited = keys
    .filter((key) => isInUse(key) && limitUse(key) !== null)
    .sort((a, b) => (limitUse(b)?.share ?? 0) - (limitUse(a)?.share ?? 0));
  return (
    <section class="card">
      <h2>Limits</h2>
      {limited.length === 0 ? (
        <p class="empty">No keys with a limit.</p>
      ) : (
        <ul class="rows">
          {limited.map((item) => (
            <li>
              <a href={`/keys/${item.id}`}>{item.name}</a>
              <LimitMeter item={item} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
};

export const Welcome = () => (
  <section class="card">
    <h2>Add your first key</h2>
    <p>
      Add an OpenRouter key to see its spend within the hour. A management key imports the whole account: every key, model and provider, up
      to a year back.
    </p>
    <a class="button" href="/keys">
      Add a key
    </a>
  </section>
);
