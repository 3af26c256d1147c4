/** D1 in plain Node, so that what the database itself takes can be told apart or left out. */
import type { DatabaseSync } from 'node:sqlite';
import { type Bound, bindD1, createRunner, toResult } from '../test/support/sqlite-d1.ts';
import { type Answers, remember } from './remembered.ts';

/** Microseconds of CPU that this process used so far. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** A database as D1 would bind it. */
export function bindSqlite(database: DatabaseSync): D1Database {
  const run = createRunner(database);
  return bindD1(async (statements) => run(statements).map(toResult));
}

/** The same; what the database takes of the CPU is counted apart. Answers are parsed by the caller, as D1's are. */
export function bindTimed(database: DatabaseSync): { binding: D1Database; spent: { micros: number } } {
  const run = createRunner(database);
  const spent = { micros: 0 };
  const answer = (statements: readonly Bound[]): string => {
    const before = cpuMicros();
    try {
      return JSON.stringify(run(statements).map(toResult));
    } finally {
      spent.micros += cpuMicros() - before;
    }
  };
  return { binding: bindD1(async (statements) => JSON.parse(answer(statements))), spent };
}

/** The same, which also remembers what it answers. */
export function bindRecording(database: DatabaseSync, answers: Answers): D1Database {
  const run = createRunner(database);
  return bindD1(async (statements) => {
    const results = run(statements).map(toResult);
    for (const [index, statement] of statements.entries()) remember(answers, statement, JSON.stringify(results[index]));
    return results;
  });
}
