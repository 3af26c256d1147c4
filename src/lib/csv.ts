import { csvFormatRow } from 'd3-dsv';

type Cell = string | number | null;

/** Spreadsheets run cells that start like this. Source: https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
/** Negative numbers are no formulas, so they keep all their digits. */
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

const cell = (value: Cell): string => {
  const text = String(value ?? '');
  return FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
};

/** Without it, spreadsheets assume a local code page and garble `Zürich`. */
export const BYTE_ORDER_MARK = '\ufeff';

/** RFC 4180 with LF. Null becomes an empty cell; texts that look like formulas are escaped. */
export const csvOf = (header: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  `${[header, ...rows].map((row) => csvFormatRow(row.map(cell))).join('\n')}\n`;

export const toCsv = <K extends string>(columns: readonly K[], rows: readonly Record<K, Cell>[]): string =>
  csvOf(
    columns,
    rows.map((row) => columns.map((column) => row[column])),
  );
