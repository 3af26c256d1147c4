/** Builds the OpenAPI 3.1 document from the schemas that validate; zod provides the JSON Schema (docs/decisions/0003). */
import * as z from 'zod';
import type { Access, RouteDescription } from '../route.ts';
import { problemSchema } from './responses.ts';

type Json = Record<string, unknown>;

const PROBLEMS: Record<number, string> = {
  400: 'Invalid request, invalid JSON, or a limit is reached',
  401: 'Not authenticated',
  403: 'Not permitted, or owned by somebody else',
  404: 'Not found',
  409: 'Conflicts with the current state',
  413: 'Body over 64 KiB',
  415: 'Body is not JSON',
  422: 'Invalid input; `errors` names the fields',
  429: 'Too many requests; `Retry-After` says when to retry',
  503: 'Configuration error, or the database is unavailable',
};

const SECURITY: Record<Access, Json[]> = {
  public: [],
  recognised: [{}, { session: [] }],
  session: [{ session: [] }],
  reader: [{ apiToken: [] }, { session: [] }],
};

function problemsOf(route: RouteDescription): number[] {
  const hasInput = route.params || route.query || route.body;
  const isClosed = route.access === 'session' || route.access === 'reader';
  const statuses = [
    ...(route.problems ?? []),
    ...(isClosed ? [401] : []),
    ...(route.access === 'reader' || route.throttle ? [429] : []),
    ...(hasInput ? [422] : []),
    ...(route.params ? [403, 404] : []),
    ...(route.body ? [400] : []),
    // Checked wherever a body is possible, even if none is expected.
    ...(route.method === 'get' ? [] : [413, 415]),
  ];
  return [...new Set(statuses)].sort((a, b) => a - b);
}

function createSchemas() {
  const components: Json = {};
  const schemaOf = (schema: z.ZodType): Json => {
    const id = z.globalRegistry.get(schema)?.id;
    const text = JSON.stringify(z.toJSONSchema(schema, { io: 'input' })).replaceAll('#/$defs/', '#/components/schemas/');
    const { $schema, $defs = {}, id: _id, ...json } = JSON.parse(text) as Json & { $defs?: Record<string, Json> };
    for (const [name, { id: _name, ...definition }] of Object.entries($defs)) components[name] = definition;
    if (id === undefined) return json;
    if (!(id in $defs)) components[id] = json;
    return { $ref: `#/components/schemas/${id}` };
  };
  return { components, schemaOf };
}

type SchemaOf = (schema: z.ZodType) => Json;

function parametersOf(schemaOf: SchemaOf, place: 'path' | 'query', schema: z.ZodType | undefined): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemaOf(schema) as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description !== undefined && { description }),
    schema: rest,
  }));
}

function successOf(schemaOf: SchemaOf, { success }: RouteDescription): Json {
  const content = {
    ...(success.schema && { 'application/json': { schema: schemaOf(success.schema) } }),
    ...Object.fromEntries((success.others ?? []).map((type) => [type, { schema: { type: 'string' } }])),
  };
  return { description: success.description, ...(Object.keys(content).length > 0 && { content }) };
}

function operationOf(schemaOf: SchemaOf, route: RouteDescription): Json {
  const problem = { 'application/problem+json': { schema: schemaOf(problemSchema) } };
  const problems = problemsOf(route).map((status) => [status, { description: PROBLEMS[status] ?? '', content: problem }]);
  const parameters = [...parametersOf(schemaOf, 'path', route.params), ...parametersOf(schemaOf, 'query', route.query)];
  return {
    tags: [route.tag],
    summary: route.summary,
    ...(route.description !== undefined && { description: route.description }),
    security: SECURITY[route.access],
    ...(parameters.length > 0 && { parameters }),
    ...(route.body && { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body) } } } }),
    responses: {
      [route.success.status]: successOf(schemaOf, route),
      ...(route.etag !== undefined && {
        304: { description: 'Unchanged since the answer whose `ETag` is in `If-None-Match`' },
      }),
      ...Object.fromEntries(problems),
    },
  };
}

const bearer = (description: string, bearerFormat?: string): Json => ({
  type: 'http',
  scheme: 'bearer',
  description,
  ...(bearerFormat && { bearerFormat }),
});

export function describeRoutes(routes: readonly RouteDescription[]): Json {
  const { components, schemaOf } = createSchemas();
  const paths: Record<string, Json> = {};
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: operationOf(schemaOf, route) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'OpenRouter Monitor',
      version: '1',
      description:
        'What your OpenRouter keys spend: accounts, keys, API tokens and statistics. Money is in USD; times are ISO 8601 in UTC.',
    },
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        session: bearer('The `access_token` from `POST /api/auth/login`', 'JWT'),
        apiToken: bearer('An API token (`or_api_…`) from `POST /api/tokens`'),
      },
    },
  };
}
