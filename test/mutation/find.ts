/** Guards as mutants: the files without them. Pure. */

/** A guard that stands once in a file, and the tests (below `test/`) of which one must fail without it. */
export interface Guard {
  file: string;
  /** What is taken out. */
  out: string;
  /** What stands there then. */
  by?: string;
  tests: readonly string[];
}

/** A guard that stands in many places. */
export interface Kind extends Omit<Guard, 'file' | 'out'> {
  files: RegExp;
  /** Global. */
  out: RegExp;
  by: string;
}

/** A place of a kind that changes nothing: there for an index, or the second of two. */
export interface Spared {
  file: string;
  /** Text of the line, or of the few before it; what is found in it is no guard. */
  at: string;
  why: string;
}

export interface Mutant {
  file: string;
  line: number;
  out: string;
  mutated: string;
  tests: readonly string[];
}

/** Guards of one file, each with what stands there instead, if anything does. */
export const of = (file: string, tests: readonly string[], outs: readonly (string | readonly [out: string, by: string])[]): Guard[] =>
  outs.map((one) => (typeof one === 'string' ? { file, out: one, tests } : { file, out: one[0], by: one[1], tests }));

interface Table {
  guards: readonly Guard[];
  kinds: readonly Kind[];
  spared: readonly Spared[];
}

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

const placesOf = (text: string, part: string): number[] => {
  const places: number[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) places.push(at);
  return places;
};

/** What is to be tried, and what of the table does not stand in the code (once) any more. */
export function findMutants({ guards, kinds, spared }: Table, files: readonly string[], read: (file: string) => string) {
  const mutants: Mutant[] = [];
  const lost: string[] = [];
  for (const { file, out, by = '', tests } of guards) {
    const text = files.includes(file) ? read(file) : '';
    const [at, ...others] = placesOf(text, out);
    if (at === undefined || others.length > 0) lost.push(`${file}  ${out} (${at === undefined ? 'not there' : 'more than once'})`);
    else mutants.push({ file, line: lineOf(text, at), out, mutated: text.slice(0, at) + by + text.slice(at + out.length), tests });
  }
  for (const { file, at } of spared)
    if (placesOf(files.includes(file) ? read(file) : '', at).length === 0) lost.push(`${file}  ${at} (not there)`);
  for (const { files: pattern, out, by, tests } of kinds)
    for (const file of files.filter((name) => pattern.test(name))) {
      const text = read(file);
      const free = spared
        .filter((one) => one.file === file)
        .flatMap(({ at }) => placesOf(text, at).map((from) => [from, from + at.length] as const));
      for (const match of text.matchAll(out)) {
        if (free.some(([from, to]) => match.index >= from && match.index < to)) continue;
        const rest = text.slice(match.index + match[0].length);
        const mutated = text.slice(0, match.index) + match[0].replace(new RegExp(out.source), by) + rest;
        mutants.push({ file, line: lineOf(text, match.index), out: match[0], mutated, tests });
      }
    }
  return { mutants, lost };
}
