import { Field, Select } from '../http/forms/fields.tsx';
import type { Range } from './model.ts';
import type { Period, Preset } from './periods.ts';

export const PERIOD_LABELS: readonly (readonly [Preset, string])[] = [
  ['today', 'Today'],
  ['7d', '7 days'],
  ['30d', '30 days'],
  ['90d', '90 days'],
  ['month', 'This month'],
  ['custom', 'Custom'],
];

export const DateFields = ({ range }: { range: Range }) => (
  <>
    <Field name="from" label="From" type="date" value={range.from} isRequired={false} />
    <Field name="to" label="To" type="date" value={range.to} isRequired={false} />
  </>
);

export const ZoneField = ({ zone, viewerZone }: { zone: string; viewerZone: string }) => (
  <>
    <Field name="tz" label="Time zone" value={zone} isRequired={false} list="zones" autocomplete="off" />
    <datalist id="zones">
      {[...new Set([viewerZone, 'UTC', zone])].map((name) => (
        <option value={name} />
      ))}
    </datalist>
  </>
);

export const PeriodFields = ({ period, range, viewerZone }: { period: Period; range: Range; viewerZone: string }) => (
  <>
    <Select name="range" label="Range" value={period.range} options={PERIOD_LABELS} />
    <div class="dates">
      <DateFields range={range} />
    </div>
    <ZoneField zone={range.tz} viewerZone={viewerZone} />
  </>
);
