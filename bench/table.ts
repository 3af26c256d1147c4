/** Tables of figures, printed and put into README between their marks. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../scripts/wrangler.ts';

/** A table as Markdown, its columns aligned. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, index) => Math.max(name.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${widths.map((width, index) => (cells[index] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** Prints a table, and shows it in README between `<!-- bench:name -->` and `<!-- /bench:name -->`. */
export async function writeTable(name: string, head: readonly string[], rows: readonly (readonly string[])[]): Promise<void> {
  const table = formatTable(head, rows);
  console.log(`\n${table}\n`);
  const file = join(root, 'README.md');
  const [before, after] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const text = await readFile(file, 'utf8');
  const marked = new RegExp(`${before}[\\s\\S]*?${after}`);
  if (!marked.test(text)) throw new Error(`README has no place for the table "${name}"`);
  await writeFile(file, text.replace(marked, `${before}\n\n${table}\n\n${after}`));
}
