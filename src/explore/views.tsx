import { Scroll } from '../charts/scroll.tsx';
import { ShareBar } from '../charts/small.tsx';
import { AskForm, Check, Field, Group, Select } from '../http/forms/fields.tsx';
import { useError } from '../http/forms/form-context.ts';
import type { View } from '../http/pages/page.tsx';
import { asKnown, formatByok, formatDay } from '../lib/format.ts';
import type { Dimension } from '../usage/model.ts';
import { PeriodFields } from '../usage/period-fields.tsx';
import { periodQuery, queryOf } from '../usage/periods.ts';
import type { ask } from './actions.ts';
import { AnswerChart } from './chart.tsx';
import { gapsText, nothingText, unplacedText } from './gaps.tsx';
import { BY_LABELS, formatsOf, type KeyNames, keyNamesOf, nameOf, rangeLabel, seriesLabel } from './labels.ts';
import { METRICS, metricOf, type Question, type Rollup } from './model.ts';
import { Name } from './name.tsx';

type Asked = Awaited<ReturnType<typeof ask>>;

const FORM = '/explore';
const ROLLUP_LABELS: Record<Rollup, string> = { none: 'None (total)', hour: 'Hour', day: 'Day', week: 'Week', month: 'Month' };

/** The query string by which a question is shared and saved. */
export const addressOf = (question: Question): string => {
  const { range: _range, from: _from, to: _to, tz: _tz, ...rest } = question;
  return queryOf({ ...periodQuery(question), ...rest });
};

interface ChoicesProps {
  name: string;
  label: string;
  chosen: readonly (string | number)[];
  options: readonly (readonly [value: string | number, label: string])[];
}

const Choices = ({ name, label, chosen, options }: ChoicesProps) => (
  <details class="choices" open={chosen.length > 0 || useError(name) !== undefined}>
    <summary>
      {label}
      {chosen.length > 0 && ` (${chosen.length})`}
    </summary>
    <Group name={name} label={label} isLabelUnseen>
      {options.map(([value, text]) => (
        <label>
          <input type="checkbox" name={name} value={String(value)} checked={chosen.includes(value)} /> {text}
        </label>
      ))}
    </Group>
  </details>
);

/** Chosen names stay listed, so that they can be removed. */
const withChosen = (present: readonly string[], chosen: readonly string[]): string[] => [...new Set([...present, ...chosen])];

export const Asking = ({ view, question, asked }: { view: View; question: Question; asked: Asked }) => {
  const names = (dimension: Exclude<Dimension, 'key'>, values: readonly string[]) =>
    values.map((value) => [value, nameOf(dimension, value, new Map())] as const);
  return (
    <AskForm action={FORM} class="filters">
      <Select
        name="metric"
        label="Metric"
        value={question.metric}
        options={Object.entries(METRICS).map(([name, { label }]) => [name, label])}
      />
      <Select name="by" label="Group by" value={question.by} options={Object.entries(BY_LABELS)} />
      <Select name="by2" label="Then by" value={question.by2 ?? ''} options={[['', '–'], ...Object.entries(BY_LABELS)]} />
      <Select name="rollup" label="Interval" value={question.rollup} options={Object.entries(ROLLUP_LABELS)} />
      <PeriodFields period={question} range={asked.range} viewerZone={view.viewer?.timeZone ?? 'UTC'} />
      <Field name="top" label="Series" value={String(question.top)} class="number" />
      <div class="ask">
        <button type="submit">Show</button>
        <Check name="cumulative" label="Cumulative" value="1" isChecked={question.cumulative !== undefined} />
      </div>
      <div class="choice-row">
        <Choices name="key" label="Keys" chosen={question.key} options={[...keyNamesOf(asked.keys)]} />
        <Choices name="model" label="Models" chosen={question.model} options={names('model', withChosen(asked.models, question.model))} />
        <Choices
          name="provider"
          label="Providers"
          chosen={question.provider}
          options={names('provider', withChosen(asked.providers, question.provider))}
        />
      </div>
    </AskForm>
  );
};

const Sums = ({ question, asked, keyNames }: { question: Question; asked: Asked; keyNames: KeyNames }) => {
  const metric = metricOf(question.metric);
  const { format } = formatsOf(metric);
  const { answer } = asked;
  const tones = asked.palette(answer);
  return (
    <Scroll label="Sums">
      <table class="ranking fixed sums">
        <thead>
          <tr>
            <th scope="col">{answer.dimensions.map((dimension) => BY_LABELS[dimension]).join(' · ')}</th>
            <th scope="col">{metric.label}</th>
            {!metric.over && <th scope="col">{answer.isComplete ? 'Share' : 'Known share'}</th>}
          </tr>
        </thead>
        <tbody>
          {answer.series.map((one, index) => (
            <tr>
              <th scope="row">
                <Name name={seriesLabel(one, answer.dimensions, keyNames)} />
              </th>
              <td>{asKnown(format(one.total), one.isComplete || metric.over !== undefined)}</td>
              {!metric.over && (
                <td>
                  <ShareBar share={answer.total && one.total !== null ? one.total / answer.total : null} tone={tones[index] ?? 'unknown'} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{metric.over ? 'Overall' : 'Total'}</th>
            <td>
              <data id="total" value={answer.total === null ? '' : String(answer.total)}>
                {asKnown(format(answer.total), answer.isComplete || metric.over !== undefined)}
              </data>
            </td>
            {!metric.over && <td />}
          </tr>
        </tfoot>
      </table>
    </Scroll>
  );
};

export const Shown = ({ question, asked, now }: { question: Question; asked: Asked; now: number }) => {
  const { answer, range } = asked;
  const keyNames = keyNamesOf(asked.keys);
  const { label, over } = metricOf(question.metric);
  const dimensions = answer.dimensions.map((dimension) => BY_LABELS[dimension].toLowerCase()).join(' and ');
  const when = rangeLabel(range);
  const address = addressOf(question);
  return (
    <section class="card wide">
      <div class="head">
        <h2>
          {label} by {dimensions}
        </h2>
        <span class="hint">
          {when}
          {over && ', highest spend first'}
        </span>
        {asked.gaps.length > 0 && answer.total !== null && <span class="hint">{gapsText(asked.gaps, asked.keys.length, range.zone)}</span>}
        {question.metric === 'cost' && asked.byok.total ? (
          <a class="hint" href={`/explore?${addressOf({ ...question, metric: 'byok_cost' })}`}>
            {formatByok(asked.byok.total, asked.byok.isComplete)}
          </a>
        ) : null}
        <span class="links">
          <a href={`/explore/export?${address}&format=csv`}>CSV</a>
          <a href={`/explore/export?${address}&format=json`}>JSON</a>
        </span>
      </div>
      {answer.series.length === 0 && <p class="empty">{nothingText(question.metric, answer, asked.byok.total)}</p>}
      {question.rollup !== 'none' && (answer.series.length > 0 || (answer.total !== null && !answer.isComplete)) && (
        <AnswerChart
          id="explore-chart"
          title={`${label} by ${question.rollup} and ${dimensions}, ${when}`}
          description={`${label} by ${dimensions} for each ${question.rollup}.`}
          answer={answer}
          metric={question.metric}
          rollup={question.rollup}
          range={range}
          now={now}
          isCumulative={question.cumulative !== undefined}
          keyNames={keyNames}
          palette={asked.palette}
        />
      )}
      {answer.series.length > 0 && <Sums question={question} asked={asked} keyNames={keyNames} />}
      {question.rollup === 'hour' && answer.unplaced ? <p class="hint">{unplacedText(question.metric, answer.unplaced)}</p> : null}
      {asked.approximateDays.length > 0 && <p class="hint">Approximate days: {asked.approximateDays.map(formatDay).join('; ')}.</p>}
    </section>
  );
};
