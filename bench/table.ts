/** Tables of figures, printed and put into docs/benchmarks.md between their marks. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../scripts/wrangler.ts';

/** The document that shows the tables. */
export const PAGE = 'docs/benchmarks.md';

/** A table as Markdown, its columns aligned. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, index) => Math.max(name.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${widths.map((width, index) => (cells[index] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}

/**
 * A document with a table in its place, between `<!-- bench:name -->` and `<!-- /bench:name -->`.
 * @throws Error if the document has no such place
 */
export function withTable(document: string, name: string, table: string): string {
  const [before, after] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const marked = new RegExp(`${before}[\\s\\S]*?${after}`);
  if (!marked.test(document)) throw new Error(`${PAGE} has no place for the table "${name}"`);
  return document.replace(marked, () => `${before}\n\n${table}\n\n${after}`);
}

/** Prints a table, and puts it into its place in the document. */
export async function writeTable(name: string, head: readonly string[], rows: readonly (readonly string[])[]): Promise<void> {
  const table = formatTable(head, rows);
  console.log(`\n${table}\n`);
  const file = join(root, PAGE);
  await writeFile(file, withTable(await readFile(file, 'utf8'), name, table));
}
