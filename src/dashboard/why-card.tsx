/** The card that explains a change of spend. */
import { type KeyNames, nameOf } from '../explore/labels.ts';
import { UNKNOWN_NAME } from '../explore/model.ts';
import { Name } from '../explore/name.tsx';
import { formatUsd } from '../lib/format.ts';
import { usdFromNano } from '../lib/money.ts';
import type { Dimension } from '../usage/model.ts';
import { periodQuery, queryOf } from '../usage/periods.ts';
import type { Dashboard } from './actions.ts';
import type { DashboardQuery } from './model.ts';
import { CAUSES, type Cause, type GroupChange, totalParts } from './why.ts';

/** So many models and keys are named. */
const NAMED = 3;

const CAUSE_LABELS: Record<Cause, string> = {
  requests: 'Number of requests',
  mix: 'Mix of models',
  tokens: 'Tokens per request',
  price: 'Price per token',
  unknown: 'Requests unknown',
};

const signedUsd = (nano: number): string => `${nano < 0 ? '−' : '+'}${formatUsd(usdFromNano(Math.abs(nano)))}`;

interface LargestProps {
  changes: readonly GroupChange<string | number | null>[];
  dimension: Exclude<Dimension, 'provider'>;
  keyNames: KeyNames;
  hrefOf(name: string | number | null): string;
}

const Largest = ({ changes, dimension, keyNames, hrefOf }: LargestProps) => (
  <>
    {changes.slice(0, NAMED).map(({ name, change }) => (
      <div>
        <dt>
          <a href={hrefOf(name)}>
            <Name name={nameOf(dimension, name, keyNames)} />
          </a>
        </dt>
        <dd>{signedUsd(change)}</dd>
      </div>
    ))}
  </>
);

interface WhyProps {
  query: DashboardQuery;
  why: NonNullable<Dashboard['why']>;
  than: string;
  isComplete: boolean;
  keyNames: KeyNames;
}

/** Why spend changed: how much of it each cause is, and the models and keys that changed most. */
export const Why = ({ query, why, than, isComplete, keyNames }: WhyProps) => {
  const parts = totalParts(why.model);
  const change = CAUSES.reduce((sum, cause) => sum + parts[cause], 0);
  return (
    <section class="card">
      <div class="head">
        <h2>Why it changed</h2>
        <span class="hint">
          {signedUsd(change)} vs {than}
          {!isComplete && ', known spend only'}
        </span>
      </div>
      <dl class="facts">
        {CAUSES.filter((cause) => parts[cause] !== 0).map((cause) => (
          <div>
            <dt>{CAUSE_LABELS[cause]}</dt>
            <dd>{signedUsd(parts[cause])}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">Largest changes</p>
      <dl class="facts">
        <Largest
          changes={why.model}
          dimension="model"
          keyNames={keyNames}
          hrefOf={(name) => `/explore?${queryOf({ ...periodQuery(query), by: 'key', model: name ?? UNKNOWN_NAME })}`}
        />
        <Largest changes={why.key} dimension="key" keyNames={keyNames} hrefOf={(name) => `/keys/${name}`} />
      </dl>
    </section>
  );
};
