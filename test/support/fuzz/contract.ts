/** Does an answer keep to what the OpenAPI document says of its operation? */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { OpenApiDocument, Operation } from './requests.ts';
import type { Schema } from './schema-values.ts';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

const MAX_ERRORS = 3;

/** The schema as of an answer: objects have no other fields than those that are told, unless it says that they may. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)])) as Schema;
  if (typeof copy.$ref === 'string') copy.$ref = copy.$ref.replace('#/components/schemas/', '#/$defs/');
  return copy.type === 'object' && copy.additionalProperties === undefined ? { ...copy, additionalProperties: false } : copy;
}

const mediaType = (headers: Headers): string => (headers.get('content-type') ?? '').split(';')[0] ?? '';

/** What each status must have beside its body. Sources: RFC 9110 (401, 429) */
function headerFaults({ status, headers }: Answer): string[] {
  if (status === 401 && headers.get('www-authenticate') !== 'Bearer') return ['a 401 without WWW-Authenticate'];
  if (status === 429 && !/^[1-9]\d*$/.test(headers.get('retry-after') ?? '')) return ['a 429 without Retry-After'];
  return [];
}

function bodyFaults(validate: ValidateFunction, { status, text }: Answer, isProblem: boolean): string[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return ['the body is no JSON'];
  }
  if (!validate(body)) {
    const errors = (validate.errors ?? []).slice(0, MAX_ERRORS);
    return errors.map(({ instancePath, message, params }) => `the body's ${instancePath || '/'} ${message} ${JSON.stringify(params)}`);
  }
  const problem = body as { status?: unknown; errors?: unknown[] };
  if (isProblem && problem.status !== status) return [`the problem says the status ${problem.status}`];
  return status === 422 && !problem.errors?.length ? ['a 422 without errors'] : [];
}

/** What is wrong with answers, by this document. */
export function createContract(document: OpenApiDocument) {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
  addFormats(ajv);
  ajv.addVocabulary(['example']);
  const $defs = closed(document.components.schemas);
  const validators = new Map<string, ValidateFunction>();
  const validatorOf = (schema: Schema): ValidateFunction => {
    const name = JSON.stringify(schema);
    const validate = validators.get(name) ?? ajv.compile({ ...(closed(schema) as object), $defs });
    validators.set(name, validate);
    return validate;
  };

  /** What is wrong with an answer to an operation; nothing, if it is as documented. */
  function faultsOf(operation: Operation, answer: Answer): string[] {
    const { status, headers, text } = answer;
    if (status >= 500) return [`the server failed with ${status}`];
    const documented = operation.responses[status];
    if (!documented) return [`the status ${status} is not documented`];
    const { content = {} } = documented;
    const type = mediaType(headers);
    if (Object.keys(content).length === 0) return text === '' ? headerFaults(answer) : [`a body (${type}) that is not documented`];
    const described = content[type];
    if (!described) return [`the type "${type}" is not documented`];
    const isProblem = type === 'application/problem+json';
    if (status >= 400 && !isProblem) return ['an error that is no problem document'];
    return [...headerFaults(answer), ...(type.endsWith('json') ? bodyFaults(validatorOf(described.schema ?? {}), answer, isProblem) : [])];
  }

  return { faultsOf };
}
