/** What the documents promise is held by tests that are there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8').replaceAll('’', "'");

/** Tests that a document names: the file, and what stands behind its colon. */
const namedIn = (document: string) =>
  [
    ...read(document)
      .replaceAll(/\s+/g, ' ')
      .matchAll(/`(test\/[\w/.-]+\.tsx?)`(?:: ([^;.)`]+))?/g),
  ].map(([, file = '', name = '']) => ({ file, name: name.trim() }));

/** The lines of a file that name tests. */
const titlesOf = (file: string): string[] =>
  read(file)
    .replaceAll("\\'", "'")
    .split('\n')
    .filter((line) => /^\s*(?:it|describe)\b|^\s*['`].*['`],$/.test(line));

/** Is this part of a test's name, or a list of such parts? */
function isTitle(file: string, name: string): boolean {
  const has = (part: string): boolean => titlesOf(file).some((line) => line.includes(part));
  return has(name) || name.split(', ').every(has);
}

describe.each(['SECURITY.md', 'docs/asvs.md'])('%s', (document) => {
  it('names tests that are there', () => {
    const named = namedIn(document);
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter(({ file }) => !existsSync(join(ROOT, file)))).toEqual([]);
    expect(named.filter(({ file, name }) => !isTitle(file, name))).toEqual([]);
  });
});

describe('SECURITY.md', () => {
  it('names a test for each promise', () => {
    const promises = /## What is promised\n([\s\S]*?)\n## /.exec(read('SECURITY.md'))?.[1]?.split(/\n(?=\d+\. )/) ?? [];
    const numbered = promises.filter((promise) => /^\d+\. /.test(promise));
    expect(numbered.length).toBeGreaterThan(20);
    expect(numbered.filter((promise) => !promise.includes('`test/'))).toEqual([]);
  });
});
