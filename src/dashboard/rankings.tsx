import type { Tone } from '../charts/model.ts';
import { Scroll } from '../charts/scroll.tsx';
import { ShareBar, Sparkline } from '../charts/small.tsx';
import type { Answer, AnswerSeries } from '../explore/answer.ts';
import { nothingText } from '../explore/gaps.tsx';
import { BY_LABELS, type KeyNames, nameOf } from '../explore/labels.ts';
import { UNKNOWN_NAME } from '../explore/model.ts';
import { Name } from '../explore/name.tsx';
import type { Palette } from '../explore/palette.ts';
import { asKnown, formatByok, formatCount, formatKnownUsd, formatUsd } from '../lib/format.ts';
import { usdFromNanoOrNull } from '../lib/money.ts';
import type { Dimension } from '../usage/model.ts';
import { periodQuery, queryOf } from '../usage/periods.ts';
import { addMeasures, type Measures, UNKNOWN } from '../usage/sums/measures.ts';
import type { Dashboard } from './actions.ts';
import type { DashboardQuery } from './model.ts';

type RowName = AnswerSeries['names'][number];

interface RankingProps {
  answer: Answer;
  dimension: Dimension;
  keyNames: KeyNames;
  sumOf(name: RowName): Readonly<Measures>;
  isCounted(name: RowName): boolean;
  nothing: string;
  toneOf(name: RowName): Tone;
  hrefOf(name: RowName): string;
}

function measuresOfRow({ names, isOther }: AnswerSeries, { answer, sumOf }: RankingProps, all: Iterable<RowName>): Readonly<Measures> {
  if (!isOther) return sumOf(names[0] ?? null);
  const listed = new Set(answer.series.flatMap((one) => (one.isOther ? [] : [one.names[0] ?? null])));
  return [...all].filter((name) => !listed.has(name)).reduce((sum, name) => addMeasures(sum, sumOf(name)), { ...UNKNOWN });
}

const Row = ({ series, measures, props }: { series: AnswerSeries; measures: Readonly<Measures>; props: RankingProps }) => {
  const { answer, dimension, keyNames, isCounted, toneOf, hrefOf } = props;
  const { names, values, total, isOther, isOpen, isComplete } = series;
  const name = names[0] ?? null;
  const label = isOther ? 'All others' : nameOf(dimension, name, keyNames);
  const byok = formatByok(usdFromNanoOrNull(measures.byokCostNano), isComplete);
  return (
    <tr>
      <th scope="row" title={label}>
        {isOther ? (
          label
        ) : (
          <a href={hrefOf(name)}>
            <Name name={label} />
          </a>
        )}
      </th>
      <td>
        {formatKnownUsd(usdFromNanoOrNull(measures.costNano), isComplete)}
        {byok && <span class="hint byok">{byok}</span>}
      </td>
      <td>
        <ShareBar share={answer.total && total !== null ? total / answer.total : null} tone={isOther ? 'other' : toneOf(name)} />
      </td>
      <td class="rest">{asKnown(formatCount(measures.requests), !isOther && isCounted(name))}</td>
      <td>
        <Sparkline label={`Spend of ${label}`} values={values} isOpen={isOpen} format={formatUsd} />
      </td>
    </tr>
  );
};

const Ranking = ({ all, ...props }: RankingProps & { all: Iterable<RowName> }) => {
  const { answer, dimension, nothing } = props;
  return (
    <section class="card">
      <h2>{BY_LABELS[dimension]}s</h2>
      {answer.series.length === 0 ? (
        <p class="empty">{nothing}</p>
      ) : (
        <Scroll label={`${BY_LABELS[dimension]}s`}>
          <table class="ranking fixed">
            <thead>
              <tr>
                <th scope="col">{BY_LABELS[dimension]}</th>
                <th scope="col">Spend</th>
                <th scope="col">{answer.isComplete ? 'Share' : 'Known share'}</th>
                <th scope="col" class="rest">
                  Requests
                </th>
                <th scope="col">Trend</th>
              </tr>
            </thead>
            <tbody>
              {answer.series.map((series) => (
                <Row series={series} measures={measuresOfRow(series, props, all)} props={props} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
};

interface RankingsProps {
  query: DashboardQuery;
  shown: Dashboard['shown'];
  palette: Palette;
  keyNames: KeyNames;
}

/** The dimension of the chart has the chart's colors. */
export const Rankings = ({ query, shown, palette, keyNames }: RankingsProps) => {
  const { models, keys, sums, chart, totals, uncounted } = shown;
  const charted = chart.series.filter(({ isOther }) => !isOther);
  const tones = palette({ ...chart, series: charted });
  const toneByName = new Map(charted.map(({ names }, index) => [names[0] ?? null, tones[index] ?? 'other']));
  const toneOf = (dimension: Dimension) => (name: RowName) => (query.by === dimension ? (toneByName.get(name) ?? 'other') : 0);
  const nothing = (answer: Answer) => nothingText('all_cost', answer, null);
  return (
    <>
      <Ranking
        answer={models}
        dimension="model"
        keyNames={keyNames}
        all={sums.model.keys()}
        sumOf={(name) => sums.model.get(name === null ? null : String(name)) ?? UNKNOWN}
        isCounted={() => totals.is_count_complete}
        nothing={nothing(models)}
        toneOf={toneOf('model')}
        hrefOf={(name) => `/explore?${queryOf({ ...periodQuery(query), metric: 'all_cost', by: 'key', model: name ?? UNKNOWN_NAME })}`}
      />
      <Ranking
        answer={keys}
        dimension="key"
        keyNames={keyNames}
        all={sums.key.keys()}
        sumOf={(name) => sums.key.get(Number(name)) ?? UNKNOWN}
        isCounted={(name) => !uncounted.includes(Number(name))}
        nothing={nothing(keys)}
        toneOf={toneOf('key')}
        hrefOf={(name) => `/keys/${name}`}
      />
    </>
  );
};
