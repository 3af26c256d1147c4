/** Requests to every operation of an OpenAPI document, mostly sound ones, as a fast-check arbitrary. */
import fc, { type Arbitrary } from 'fast-check';
import { BREAKAGES, type Breakage, Known, mutate, mutations, oddTexts, oddValues } from './mutations.ts';
import { arbitraryOf, type Schema } from './schema-values.ts';

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: Schema;
}

interface DocumentedOperation {
  security?: Record<string, unknown>[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, DocumentedResponse>;
}

export interface DocumentedResponse {
  content?: Record<string, { schema?: Schema }>;
}

export interface OpenApiDocument {
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, Schema> };
}

export interface Operation {
  /** `GET /api/keys/{id}` */
  name: string;
  method: string;
  path: string;
  /** Who comes through: anybody, a session, or an API token too. */
  access: 'public' | 'session' | 'reader';
  /** Acts on the session or the account itself, so whoever it succeeds for may be gone after it. */
  isOnSelf: boolean;
  params: Schema;
  query: Schema;
  body: Schema | null;
  responses: Record<string, DocumentedResponse>;
}

function accessOf({ security = [] }: DocumentedOperation): Operation['access'] {
  if (security.length === 0 || security.some((entry) => Object.keys(entry).length === 0)) return 'public';
  return security.some((entry) => 'apiToken' in entry) ? 'reader' : 'session';
}

const objectOf = (parameters: readonly Parameter[]): Schema => ({
  type: 'object',
  properties: Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])),
  required: parameters.filter(({ required }) => required).map(({ name }) => name),
});

/** The operations of a document. */
export function listOperations(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([verb, operation]): Operation => {
      const { parameters = [], requestBody, responses } = operation;
      const method = verb.toUpperCase();
      return {
        name: `${method} ${path}`,
        method,
        path,
        access: accessOf(operation),
        isOnSelf: '204' in responses && !path.includes('{'),
        params: objectOf(parameters.filter((parameter) => parameter.in === 'path')),
        query: objectOf(parameters.filter((parameter) => parameter.in === 'query')),
        body: requestBody?.content['application/json']?.schema ?? null,
        responses,
      };
    }),
  );
}

const CREDENTIALS = ['right', 'other', 'none', 'garbage', 'forged', 'expired', 'ended', 'token'] as const;
/** `right` and `other`: sessions of the two users; `token`: an API token of the first, which is right for a reader. */
export type Credential = (typeof CREDENTIALS)[number];

/** A request as it is made up; `Known` values are looked up when it is sent. */
export interface Plan {
  operation: Operation;
  credential: Credential;
  params: Record<string, unknown>;
  query: unknown;
  /** Appended to the query as it is. */
  querySuffix: string;
  /** `undefined`: none. */
  body: unknown;
  breakage: Breakage | null;
  contentType: string | null;
  accept: string | null;
  /** Sent twice in a row. */
  isRepeated: boolean;
}

const picks = fc.nat({ max: 999 });
const known = (name: string): Arbitrary<Known> => picks.map((pick) => new Known(name, pick));

/** Fields that mean something that their schema cannot tell. */
const KNOWN_FIELDS = ['email', 'password', 'current_password', 'new_password', 'token', 'key', 'url', 'bot_token', 'model', 'provider'];
const KNOWN_VALUES: Record<string, readonly string[]> = {
  tz: ['UTC', 'Europe/Rome', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia', 'europe/rome', 'Etc/GMT+12'],
  group_by: ['hour', 'day', 'model', 'provider', 'key', 'day,key', 'key,day', 'model,provider', 'hour,model', 'provider,hour'],
  from: ['2026-10-17', '2026-11-01', '2026-11-14', '2026-11-15'],
  to: ['2026-11-14', '2026-11-15', '2026-11-16', '2026-12-31'],
};

/** Ids of a collection, mostly of the user's own; `foreign` ones are of the other user. */
const ids = (collection: string): Arbitrary<Known> =>
  fc.oneof({ weight: 7, arbitrary: known(`own ${collection}`) }, { weight: 1, arbitrary: known(`foreign ${collection}`) });

/** What a field means by its name: `{id}` of a path is of the collection before it, `key_id` of `/api/keys`. */
const hintsOf =
  (path: string) =>
  (name: string): Arbitrary<unknown> | undefined => {
    const before = path.indexOf(`/{${name}}`);
    if (before >= 0) return ids(path.slice(0, before));
    const [, noun, plural] = /^(\w+)_id(s?)$/.exec(name) ?? [];
    if (noun !== undefined) return plural ? fc.uniqueArray(ids(`/api/${noun}s`), { maxLength: 3, selector: String }) : ids(`/api/${noun}s`);
    if (name === 'cursor') return known(`cursor ${path}`);
    const values = KNOWN_VALUES[name];
    if (values) return fc.constantFrom(...values);
    return KNOWN_FIELDS.includes(name) ? known(name) : undefined;
  };

/** Now and then something else. */
const mostly = <T>(weight: number, usual: Arbitrary<T>, odd: Arbitrary<T>): Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd });

const mutated = (values: Arbitrary<unknown>): Arbitrary<unknown> =>
  mostly(
    3,
    values,
    fc.tuple(values, fc.array(mutations, { minLength: 1, maxLength: 2 })).map(([value, list]) => list.reduce(mutate, value)),
  );

const JSON_TYPES = ['application/json', 'application/json; charset=utf-8', 'Application/JSON', 'application/merge-patch+json'];
const OTHER_TYPES = [
  '',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'application/jsonp',
  'json',
  '*/*',
  ';',
  'application/json,text/html',
];
const ACCEPTS = [
  '*/*',
  'application/json',
  'text/csv',
  'text/csv;q=0.5, application/json',
  'text/html',
  'application/xml',
  ';;,',
  'text/csv;q=x',
];
const SUFFIXES = ['%zz', '%ff=%ff', '%00=1', '&&&', '=', '=&=', 'a[]=1', '__proto__=1', 'limit', 'x=%F0%9F', '+=+'];
const ODD_IDS = [
  '0',
  '-1',
  '01',
  '1.0',
  '1e0',
  '0x1',
  '+1',
  ' 1',
  '1 ',
  '9007199254740991',
  '9007199254740992',
  '99999999999999999999',
  'NaN',
  'null',
  '1,2',
  '1;2',
];

/** Requests to an operation. */
export function requestsTo(operation: Operation, components: Record<string, Schema>): Arbitrary<Plan> {
  const context = { components, hint: hintsOf(operation.path) };
  const params = Object.keys(operation.params.properties ?? {});
  const oddParams = fc.record(Object.fromEntries(params.map((name) => [name, fc.oneof(fc.constantFrom(...ODD_IDS), oddTexts)])));
  const noBody = fc.constant(undefined);
  const bodies = operation.body ? mutated(arbitraryOf(operation.body, context)) : mostly(8, noBody, oddValues);
  return fc.record({
    operation: fc.constant(operation),
    credential: mostly(
      5,
      fc.constantFrom<Credential>('right', operation.access === 'reader' ? 'token' : 'right'),
      fc.constantFrom(...CREDENTIALS),
    ),
    params: mostly<Record<string, unknown>>(7, arbitraryOf(operation.params, context) as Arbitrary<Record<string, unknown>>, oddParams),
    query: mutated(arbitraryOf(operation.query, context)),
    querySuffix: mostly(15, fc.constant(''), fc.constantFrom(...SUFFIXES)),
    body: operation.method === 'GET' ? noBody : bodies,
    breakage: mostly<Breakage | null>(12, fc.constant(null), fc.constantFrom(...BREAKAGES)),
    contentType: mostly<string | null>(14, fc.constantFrom(...JSON_TYPES), fc.constantFrom(null, ...OTHER_TYPES)),
    accept: fc.constantFrom(null, null, null, ...ACCEPTS),
    isRepeated: mostly(8, fc.constant(false), fc.constant(true)),
  });
}
