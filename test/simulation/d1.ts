/** D1 in the simulation: in memory, made from the migrations, and reached by trips that may fail. */
import type { SQLInputValue } from 'node:sqlite';
import { bindD1, createRunner, openMigrated, toResult } from '../support/sqlite-d1.ts';

/** How work reaches the database and its answer comes back: in time, late, or not at all. */
export type Trip = <T>(work: () => T) => Promise<T>;

/** A fresh database with the schema of the migrations. `ask` reads it without a trip, for checks. */
export function openD1(trip: Trip) {
  const database = openMigrated();
  const run = createRunner(database);
  return {
    binding: bindD1((statements) => trip(() => run(statements).map(toResult))),
    ask: <Row = Record<string, unknown>>(text: string, ...values: SQLInputValue[]) => (run([{ text, values }])[0]?.rows ?? []) as Row[],
    close: () => database.close(),
  };
}
