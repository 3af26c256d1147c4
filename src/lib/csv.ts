import { csvFormatRow } from 'd3-dsv';

type Cell = string | number | null;

/** A spreadsheet would run a cell that starts like this as a formula. Source: https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
/** A number is no formula, also one below zero that comes as text, so that no digit of it is lost. */
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

const cell = (value: Cell): string => {
  const text = String(value ?? '');
  return FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
};

/** Before a CSV file: spreadsheets would take it for the code page of their machine else, and garble `Zürich`. */
export const BYTE_ORDER_MARK = '\ufeff';

/** CSV (RFC 4180, LF line ends) of a header and rows; unknown values are empty cells, texts that look like formulas are escaped. */
export const csvOf = (header: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  `${[header, ...rows].map((row) => csvFormatRow(row.map(cell))).join('\n')}\n`;

/** The same of records, by the names of their fields. */
export const toCsv = <K extends string>(columns: readonly K[], rows: readonly Record<K, Cell>[]): string =>
  csvOf(
    columns,
    rows.map((row) => columns.map((column) => row[column])),
  );
