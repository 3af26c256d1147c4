/** What must not happen, and did. */
export class Violation extends Error {
  override name = 'Violation';
}

/** Ends the run with what differs. */
export function violated(what: string): never {
  throw new Violation(what);
}
