/**
 * Values that a JSON Schema (2020-12, as OpenAPI 3.1 holds it) describes, as a fast-check arbitrary. Knows the keywords that zod writes;
 * what it does not know it refuses, so that nothing is silently left untried.
 */
import fc, { type Arbitrary } from 'fast-check';

export interface Schema {
  $ref?: string;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  [annotation: string]: unknown;
}

export interface SchemaContext {
  /** What `#/components/schemas/…` refers to. */
  components: Readonly<Record<string, Schema>>;
  /** What is known of a field by its name and not by its schema, such as an id that exists. */
  hint?: (name: string) => Arbitrary<unknown> | undefined;
}

const REF = '#/components/schemas/';
const ANNOTATIONS = ['description', 'default', 'example', 'title', 'deprecated'];
const KEYWORDS: Record<string, readonly string[]> = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  // A whole number in a path or a query has the pattern of its digits too.
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'pattern'],
  boolean: [],
  null: [],
  array: ['items', 'minItems', 'maxItems'],
  object: ['properties', 'required', 'additionalProperties', 'propertyNames'],
};

const DAY = /^\d{4}-\d\d-\d\d/;
const EDGES = ['0000-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z', '2024-02-29T12:00:00.000Z', '9999-12-31T23:59:59.999Z'];
const instants = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .date({ min: new Date(EDGES[0] ?? ''), max: new Date(EDGES[3] ?? ''), noInvalidDate: true })
      .map((date) => date.toISOString()),
  },
  { weight: 1, arbitrary: fc.constantFrom(...EDGES) },
);
const offsets = fc.constantFrom('Z', '+00:00', '+14:00', '-12:00', '+05:45', '+23:59', '-23:59');

const FORMATS: Record<string, Arbitrary<string>> = {
  email: fc.emailAddress({ size: 'small' }),
  uri: fc.webUrl({ validSchemes: ['https'], withQueryParameters: true, withFragments: true, size: 'small' }),
  date: instants.map((instant) => DAY.exec(instant)?.[0] ?? ''),
  'date-time': fc.tuple(instants, offsets).map(([instant, offset]) => instant.replace('Z', offset)),
  password: fc.string({ unit: 'grapheme', minLength: 12, maxLength: 60 }),
};

const characters = (text: string): number => [...text].length;

/** Texts that match a pattern; where it uses what fast-check cannot make from a pattern, any texts that happen to match. */
function matching(pattern: string, length: { minLength: number; maxLength: number }): Arbitrary<string> {
  const regex = new RegExp(pattern, 'u');
  const any = fc.string({ unit: 'grapheme', ...length, maxLength: Math.min(length.maxLength, length.minLength + 60) });
  // Of a pattern that excludes characters, texts of all kinds match; one made from it would hardly leave ASCII.
  if (/\\[pP]\{/.test(pattern)) return any.filter((text) => regex.test(text));
  return fc.stringMatching(regex);
}

function texts({ minLength = 0, maxLength = 5000, pattern, format }: Schema): Arbitrary<string> {
  const length = { minLength, maxLength };
  const known = format === undefined ? undefined : FORMATS[format];
  if (format !== undefined && !known) throw new Error(`no values are known for the format ${format}`);
  const edges = fc.constantFrom(minLength, maxLength).map((count) => 'x'.repeat(count));
  const plain = fc.oneof(
    { weight: 8, arbitrary: fc.string({ unit: 'grapheme', ...length, size: 'small' }) },
    { weight: 1, arbitrary: edges },
  );
  const candidates = known ?? (pattern === undefined ? plain : matching(pattern, length));
  const regex = pattern === undefined ? null : new RegExp(pattern, 'u');
  return candidates.filter((text) => characters(text) >= minLength && characters(text) <= maxLength && (regex?.test(text) ?? true));
}

function wholeNumbers({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): Arbitrary<number> {
  const min = Math.max(minimum ?? -Infinity, exclusiveMinimum === undefined ? -Infinity : exclusiveMinimum + 1, Number.MIN_SAFE_INTEGER);
  const max = Math.min(maximum ?? Infinity, exclusiveMaximum === undefined ? Infinity : exclusiveMaximum - 1, Number.MAX_SAFE_INTEGER);
  return fc.oneof(
    fc.maxSafeInteger().filter((value) => value >= min && value <= max),
    fc.constantFrom(min, max),
    fc.integer({ min, max: Math.min(max, min + 1000) }),
  );
}

function numbers({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): Arbitrary<number> {
  return fc.double({
    min: exclusiveMinimum ?? minimum ?? -Number.MAX_VALUE,
    max: exclusiveMaximum ?? maximum ?? Number.MAX_VALUE,
    minExcluded: exclusiveMinimum !== undefined,
    maxExcluded: exclusiveMaximum !== undefined,
    noNaN: true,
  });
}

/** All that is required, and of the rest nothing, one thing, or any. */
function objects(schema: Schema, context: SchemaContext): Arbitrary<Record<string, unknown>> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const fields: Record<string, Arbitrary<unknown>> = {};
  for (const [name, field] of Object.entries(properties)) {
    const hinted = context.hint?.(name);
    const values = arbitraryOf(field, context);
    fields[name] = hinted ? fc.oneof({ weight: 5, arbitrary: hinted }, { weight: 1, arbitrary: values }) : values;
  }
  const optional = Object.keys(properties).filter((name) => !required.includes(name));
  const one = optional.length === 0 ? fc.constant<string[]>([]) : fc.constantFrom(...optional).map((name) => [name]);
  const chosen = fc.oneof(one, fc.constant<string[]>([]), fc.subarray(optional));
  const described = chosen.chain((names) =>
    fc.record(Object.fromEntries([...required, ...names].map((name) => [name, fields[name] ?? fc.jsonValue()]))),
  );
  if (typeof additionalProperties !== 'object') return described;
  const others = fc.dictionary(fc.string({ maxLength: 20 }), arbitraryOf(additionalProperties, context), { maxKeys: 3 });
  return fc.tuple(others, described).map(([more, known]) => ({ ...more, ...known }));
}

function typed(schema: Schema, context: SchemaContext): Arbitrary<unknown> {
  switch (schema.type) {
    case 'string':
      return texts(schema);
    case 'integer':
      return wholeNumbers(schema);
    case 'number':
      return numbers(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}, context), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 10, 30),
      });
    case 'object':
      return objects(schema, context);
    case undefined:
      return fc.jsonValue();
    default:
      throw new Error(`no values are known for the type ${schema.type}`);
  }
}

/**
 * Values of a schema.
 * @throws Error if the schema uses a keyword, a type or a format that is not known here
 */
export function arbitraryOf(schema: Schema, context: SchemaContext): Arbitrary<unknown> {
  const { $ref, oneOf, anyOf, type, ...rest } = schema;
  if ($ref !== undefined) {
    const target = context.components[$ref.slice(REF.length)];
    if (!$ref.startsWith(REF) || !target) throw new Error(`${$ref} is not among the components`);
    return arbitraryOf(target, context);
  }
  const options = oneOf ?? anyOf;
  if (options) return fc.oneof(...options.map((option) => arbitraryOf(option, context)));
  if ('const' in rest) return fc.constant(rest['const']);
  if (rest['enum'] !== undefined) return fc.constantFrom(...rest['enum']);
  const unknown = Object.keys(rest).filter((name) => ![...ANNOTATIONS, ...(KEYWORDS[type ?? ''] ?? [])].includes(name));
  if (unknown.length > 0) throw new Error(`no values are known for the keywords ${unknown.join(', ')} of the type ${type}`);
  return typed(schema, context);
}
