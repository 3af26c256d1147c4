import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import type { Deps } from '../../src/deps.ts';
import { type AssetName, assetUrl } from '../../src/http/pages/asset.ts';
import { createContract } from '../support/fuzz/contract.ts';
import { BREAKAGES, breakText, Known, mutate, mutations } from '../support/fuzz/mutations.ts';
import { listOperations, type OpenApiDocument, requestsTo } from '../support/fuzz/requests.ts';
import { arbitraryOf, type Schema } from '../support/fuzz/schema-values.ts';

const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} } as Partial<ExecutionContext> as ExecutionContext;
const readAsset = (name: AssetName) => readFile(`dist/assets${assetUrl(name)}`, 'utf8');
const app = createApp(() => ({ readAsset }) as Partial<Deps> as Deps);
const document = (await (await app.request('/openapi.json', {}, {}, context)).json()) as OpenApiDocument;
const operations = listOperations(document);
const { schemas } = document.components;

function validatorOf(schema: Schema) {
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  const text = JSON.stringify({ ...schema, $defs: schemas }).replaceAll('#/components/schemas/', '#/$defs/');
  return ajv.compile(JSON.parse(text));
}

describe('values of a schema', () => {
  const bodies = operations.flatMap(({ name, body, query }) => [
    ...(body ? [{ name, schema: body }] : []),
    ...(Object.keys(query.properties ?? {}).length > 0 ? [{ name, schema: query }] : []),
  ]);

  it.each(bodies)('are what it describes: $name', ({ schema }) => {
    // A whole number of a query has the pattern of its digits, which JSON Schema does not look at in a number.
    const validate = validatorOf(schema);
    fc.assert(
      fc.property(arbitraryOf(schema, { components: schemas }), (value) => {
        expect([value, validate(value), validate.errors]).toEqual([value, true, null]);
      }),
      { numRuns: 100 },
    );
  });

  it('reach each option, and leave out what may be left out', () => {
    const schema: Schema = {
      type: 'object',
      properties: { a: { enum: [1, 2] }, b: { anyOf: [{ type: 'null' }, { type: 'integer', minimum: 1, maximum: 2 }] } },
      required: ['a'],
    };
    const seen = new Set(
      fc.sample(arbitraryOf(schema, { components: {} }), { numRuns: 300, seed: 1 }).map((value) => JSON.stringify(value)),
    );
    expect([...seen].sort()).toEqual(
      [1, 2].flatMap((a) => [...[1, 2, null].map((b) => JSON.stringify({ a, b })), JSON.stringify({ a })]).sort(),
    );
  });

  it('are refused where the schema uses what is not known', () => {
    const values = (schema: Schema) => () => arbitraryOf(schema, { components: {} });
    expect(values({ type: 'string', contentEncoding: 'base64' })).toThrow('contentEncoding');
    expect(values({ type: 'string', format: 'ipv9' })).toThrow('ipv9');
    expect(values({ type: 'tuple' })).toThrow('tuple');
    expect(values({ $ref: '#/components/schemas/Nothing' })).toThrow('Nothing');
  });

  it('are those of the hint, where a name tells more', () => {
    const schema: Schema = { type: 'object', properties: { key_id: { type: 'integer' } }, required: ['key_id'] };
    const hint = (name: string) => (name === 'key_id' ? fc.constant('hinted') : undefined);
    const sample = fc.sample(arbitraryOf(schema, { components: {}, hint }), { numRuns: 200, seed: 1 }) as { key_id: unknown }[];
    const hinted = sample.filter(({ key_id: id }) => id === 'hinted').length;
    expect([hinted > 100, hinted < 200]).toEqual([true, true]);
  });
});

describe('mutations', () => {
  const value = { name: 'x', ids: [1, 2], key: new Known('key', 1) };

  it('change one place', () => {
    expect(mutate(value, { kind: 'drop', place: 1 })).toEqual({ ids: [1, 2], key: value.key });
    expect(mutate(value, { kind: 'replace', place: 3, value: null })).toEqual({ ...value, ids: [null, 2] });
    expect(mutate(value, { kind: 'wrap', place: 5 })).toEqual({ ...value, key: [value.key] });
    expect(mutate(value, { kind: 'repeat', place: 2 })).toEqual({ ...value, ids: [1, 2, 1, 2] });
    expect(mutate(value, { kind: 'drop', place: 0 })).toBeUndefined();
    const added = mutate(value, { kind: 'add', place: 0, name: '__proto__', value: 7 });
    expect(JSON.stringify(added)).toContain('"__proto__":7');
  });

  it('never change the value that they are of', () => {
    const before = JSON.stringify(value);
    fc.assert(fc.property(mutations, (mutation) => void mutate(value, mutation)));
    expect(JSON.stringify(value)).toBe(before);
  });

  it('of a text leave no JSON, or the same', () => {
    const json = '{"name":"x","n":1}';
    const parsed = BREAKAGES.map((breakage) => {
      try {
        return [breakage, JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(breakText(json, breakage)))];
      } catch {
        return [breakage, 'no JSON'];
      }
    });
    const { nest, ...rest } = Object.fromEntries(parsed) as Record<string, unknown>;
    expect(Array.isArray(nest)).toBe(true);
    const same = JSON.parse(json);
    const sound = { bom: same, duplicate: same, pad: same, huge: same };
    expect(rest).toEqual({ ...Object.fromEntries(BREAKAGES.filter((name) => name !== 'nest').map((name) => [name, 'no JSON'])), ...sound });
  });
});

describe('the contract', () => {
  const contract = createContract(document);
  const json = 'application/json';
  const problem = 'application/problem+json';
  const faults = (name: string, status: number, type: string, body: unknown, headers: Record<string, string> = {}) => {
    const operation = operations.find((candidate) => candidate.name === name);
    if (!operation) throw new Error(`there is no ${name}`);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return contract
      .faultsOf(operation, { status, headers: new Headers({ ...(type && { 'content-type': type }), ...headers }), text })
      .join();
  };
  const account = { id: 1, email: 'a@example.org', created_at: '2026-11-15T11:30:00.000Z' };
  const refusal = { type: 'urn:x', title: 'Not authenticated', status: 401, detail: 'Sign in.' };
  const challenge = { 'www-authenticate': 'Bearer' };

  it('is kept by what the document says', () => {
    expect(faults('GET /api/auth/me', 200, `${json}; charset=utf-8`, account)).toBe('');
    expect(faults('GET /api/auth/me', 401, problem, refusal, challenge)).toBe('');
    expect(faults('POST /api/auth/logout', 204, '', '')).toBe('');
    expect(faults('GET /api/v1/usage', 200, 'text/csv', 'date\r\n')).toBe('');
  });

  it.each([
    ['a failure', 500, problem, { ...refusal, status: 500 }, 'failed with 500'],
    ['a failure that is documented', 503, problem, { ...refusal, status: 503 }, 'failed with 503'],
    ['another status', 418, problem, { ...refusal, status: 418 }, '418 is not documented'],
    ['a missing field', 200, json, { ...account, email: undefined }, "required property 'email'"],
    ['an undocumented field', 200, json, { ...account, password_hash: 'x' }, 'password_hash'],
    ['a wrong type', 200, json, { ...account, id: '1' }, '/id must be integer'],
    ['a wrong format', 200, json, { ...account, created_at: '+010000-01-01T00:00:00.000Z' }, 'date-time'],
    ['another media type', 200, 'text/html', '<p>', '"text/html" is not documented'],
    ['no JSON', 200, json, '{', 'no JSON'],
    ['an error that is no problem', 401, json, refusal, 'not documented'],
    ['another status inside', 401, problem, { ...refusal, status: 400 }, 'says the status 400'],
    ['a 401 that tells no way', 401, problem, refusal, 'WWW-Authenticate'],
  ])('is broken by %s', (_, status, type, body, fault) => {
    const headers = status === 401 && fault !== 'WWW-Authenticate' ? challenge : {};
    expect(faults('GET /health', status, type, body, headers) + faults('GET /api/auth/me', status, type, body, headers)).toContain(fault);
  });

  it('is broken by bodies where there are none, and by problems that lack what their status asks for', () => {
    expect(faults('POST /api/auth/logout', 204, json, {})).toContain('not documented');
    expect(faults('GET /api/alerts', 422, problem, { ...refusal, status: 422 })).toContain('422 without errors');
    expect(faults('GET /api/v1/stats', 429, problem, { ...refusal, status: 429 })).toContain('Retry-After');
  });
});

it('requests can be made up for every operation', () => {
  expect(operations.length).toBeGreaterThan(30);
  for (const operation of operations) {
    const plans = fc.sample(requestsTo(operation, schemas), { numRuns: 100, seed: 1 });
    expect([operation.name, plans.some(({ body }) => body !== undefined)]).toEqual([operation.name, operation.method !== 'GET']);
  }
});
