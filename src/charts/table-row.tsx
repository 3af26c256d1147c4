import { html } from 'hono/html';

/** A row of a table behind a chart. These are hundreds of cells, and templates cost a third of what elements do. */
export const tableRow = (head: string, cells: readonly string[]) =>
  html`<tr><th scope="row">${head}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;
