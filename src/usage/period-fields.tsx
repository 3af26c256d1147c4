/** The fields of a range in a form. */
import { Field, Select } from '../http/fields.tsx';
import type { Failure } from '../http/page.tsx';
import type { Range } from './model.ts';
import type { Period, Preset } from './periods.ts';

const LABELS: Record<Preset, string> = {
  today: 'Today',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
  '90d': 'Last 90 days',
  month: 'This month',
  custom: 'Dates below',
};

interface PeriodFieldsProps {
  form: string;
  failure: Failure | null;
  period: Period;
  range: Range;
  viewerZone: string;
}

/** Range, dates of one's own, and the zone whose days they are. */
export const PeriodFields = ({ form, failure, period, range, viewerZone }: PeriodFieldsProps) => (
  <>
    <Select form={form} name="range" label="Range" value={period.range} options={Object.entries(LABELS)} />
    <Field form={form} failure={failure} name="from" label="From" type="date" value={range.from} isRequired={false} />
    <Field form={form} failure={failure} name="to" label="To" type="date" value={range.to} isRequired={false} />
    <Select
      form={form}
      name="tz"
      label="Time zone"
      value={range.tz}
      options={[...new Set([viewerZone, 'UTC', range.tz])].map((zone) => [zone, zone.replaceAll('_', ' ')])}
    />
  </>
);
