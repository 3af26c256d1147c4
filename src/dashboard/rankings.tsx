/** The tables of models and keys: the dearest first, with their share and how it went. */
import type { Tone } from '../charts/model.ts';
import { Scroll } from '../charts/scroll.tsx';
import { ShareBar, Sparkline } from '../charts/small.tsx';
import type { Answer, AnswerSeries } from '../explore/answer.ts';
import { BY_LABELS, type KeyNames, nameOf } from '../explore/labels.ts';
import { UNKNOWN_NAME } from '../explore/model.ts';
import { Name } from '../explore/name.tsx';
import type { Palette } from '../explore/palette.ts';
import { formatCount, formatUsd } from '../lib/format.ts';
import type { Dimension } from '../usage/model.ts';
import { periodQuery, queryOf } from '../usage/periods.ts';
import type { Dashboard } from './actions.ts';
import type { DashboardQuery } from './model.ts';

interface RankingProps {
  answer: Answer;
  dimension: Dimension;
  keyNames: KeyNames;
  requestsOf(name: AnswerSeries['names'][number]): number | null;
  toneAt(series: AnswerSeries, index: number): Tone;
  hrefOf(name: AnswerSeries['names'][number]): string;
}

const Ranking = ({ answer, dimension, keyNames, requestsOf, toneAt, hrefOf }: RankingProps) => (
  <section class="card">
    <h2>{BY_LABELS[dimension]}s</h2>
    {answer.series.length === 0 ? (
      <p class="empty">None in this range.</p>
    ) : (
      <Scroll label={`${BY_LABELS[dimension]}s`}>
        <table class="ranking fixed">
          <thead>
            <tr>
              <th scope="col">{BY_LABELS[dimension]}</th>
              <th scope="col">Spend</th>
              <th scope="col">Share</th>
              <th scope="col" class="rest">
                Requests
              </th>
              <th scope="col">Trend</th>
            </tr>
          </thead>
          <tbody>
            {answer.series.map((series, index) => {
              const { names, values, total, isOther } = series;
              const name = names[0] ?? null;
              const label = isOther ? 'All others' : nameOf(dimension, name, keyNames);
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
                  <td>{formatUsd(total)}</td>
                  <td>
                    <ShareBar share={answer.total && total !== null ? total / answer.total : null} tone={toneAt(series, index)} />
                  </td>
                  <td class="rest">{formatCount(isOther ? null : requestsOf(name))}</td>
                  <td>
                    <Sparkline label={`Spend of ${label}`} values={values} format={formatUsd} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
    )}
  </section>
);

interface RankingsProps {
  query: DashboardQuery;
  shown: Dashboard['shown'];
  palette: Palette;
  keyNames: KeyNames;
}

/** Models and keys. What the chart is stacked by has the chart's colours. */
export const Rankings = ({ query, shown: { models, keys, requests, chart }, palette, keyNames }: RankingsProps) => {
  const tones = palette({ ...chart, series: chart.series.filter(({ isOther }) => !isOther) });
  const toneAt = (dimension: Dimension) => (_: AnswerSeries, index: number) => (query.by === dimension ? (tones[index] ?? 'other') : 0);
  return (
    <>
      <Ranking
        answer={models}
        dimension="model"
        keyNames={keyNames}
        requestsOf={(name) => requests.model.get(name === null ? null : String(name)) ?? null}
        toneAt={toneAt('model')}
        hrefOf={(name) => `/explore?${queryOf({ ...periodQuery(query), by: 'key', model: name ?? UNKNOWN_NAME })}`}
      />
      <Ranking
        answer={keys}
        dimension="key"
        keyNames={keyNames}
        requestsOf={(name) => requests.key.get(Number(name)) ?? null}
        toneAt={toneAt('key')}
        hrefOf={(name) => `/keys/${name}`}
      />
    </>
  );
};
