import { csvFormatRow } from 'd3-dsv';

/** A spreadsheet would run a cell that starts like this as a formula. Source: https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^[=+\-@\t\r]/;

const cell = (value: string | number | null): string => {
  if (value === null) return '';
  return typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value);
};

/** CSV (RFC 4180, LF line ends) with a header line; unknown values are empty cells, texts that look like formulas are escaped. */
export function toCsv<K extends string>(columns: readonly K[], rows: readonly Record<K, string | number | null>[]): string {
  const lines = rows.map((row) => csvFormatRow(columns.map((column) => cell(row[column]))));
  return `${[csvFormatRow([...columns]), ...lines].join('\n')}\n`;
}
