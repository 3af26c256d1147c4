/**
 * Stands in the Worker's bundle for parts of libraries that nothing here reaches, but that no bundler can see to be unreachable:
 * `[alias]` of wrangler.toml puts it in their place, docs/decisions/0003 says what each weighs. Whoever reaches one is told so.
 */
const leftOut = (): never => {
  throw new Error('This part of a library is left out of the bundle: scripts/left-out.ts');
};

/**
 * Processors and `toJSONSchema` are zod's JSON Schema: the API's document is made by the build. Relations are Drizzle's relational queries, which
 * want a schema that `drizzle()` is not given here. Mounting is Hono's of applications that are not Hono's.
 */
export {
  leftOut as aggregateChecks,
  leftOut as anyProcessor,
  leftOut as arrayProcessor,
  leftOut as bigintProcessor,
  leftOut as booleanProcessor,
  leftOut as catchProcessor,
  leftOut as createStandardJSONSchemaMethod,
  leftOut as createToJSONSchemaMethod,
  leftOut as customProcessor,
  leftOut as dateProcessor,
  leftOut as defaultProcessor,
  leftOut as enumProcessor,
  leftOut as fileProcessor,
  leftOut as functionProcessor,
  leftOut as intersectionProcessor,
  leftOut as lazyProcessor,
  leftOut as literalProcessor,
  leftOut as mapProcessor,
  leftOut as nanProcessor,
  leftOut as neverProcessor,
  leftOut as nonoptionalProcessor,
  leftOut as nullableProcessor,
  leftOut as nullProcessor,
  leftOut as numberProcessor,
  leftOut as objectProcessor,
  leftOut as optionalProcessor,
  leftOut as pipeProcessor,
  leftOut as prefaultProcessor,
  leftOut as promiseProcessor,
  leftOut as readonlyProcessor,
  leftOut as recordProcessor,
  leftOut as setProcessor,
  leftOut as stringProcessor,
  leftOut as successProcessor,
  leftOut as symbolProcessor,
  leftOut as templateLiteralProcessor,
  leftOut as toJSONSchema,
  leftOut as transformProcessor,
  leftOut as tupleProcessor,
  leftOut as undefinedProcessor,
  leftOut as unionProcessor,
  leftOut as unknownProcessor,
  leftOut as voidProcessor,
  leftOut as createMountedRequest,
  leftOut as createTableRelationsHelpers,
  leftOut as extractTablesRelationalConfig,
  leftOut as getOperators,
  leftOut as getOrderByOperators,
  leftOut as Many,
  leftOut as mapRelationalRow,
  leftOut as normalizeRelation,
  leftOut as One,
  leftOut as Relation,
  leftOut as RelationalQueryBuilder,
  leftOut as Relations,
};

/** Drizzle's enums of PostgreSQL, for which it looks in every statement: there are none. */
export const isPgEnum = (): boolean => false;
