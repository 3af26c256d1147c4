import { csvFormatRow } from 'd3-dsv';

type Cell = string | number | null;

/** A spreadsheet would run a cell that starts like this as a formula. Source: https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^[=+\-@\t\r]/;

const cell = (value: Cell): string => {
  if (value === null) return '';
  return typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value);
};

/** CSV (RFC 4180, LF line ends) of a header and rows; unknown values are empty cells, texts that look like formulas are escaped. */
export const csvOf = (header: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  `${[header, ...rows].map((row) => csvFormatRow(row.map(cell))).join('\n')}\n`;

/** The same of records, by the names of their fields. */
export const toCsv = <K extends string>(columns: readonly K[], rows: readonly Record<K, Cell>[]): string =>
  csvOf(
    columns,
    rows.map((row) => columns.map((column) => row[column])),
  );
