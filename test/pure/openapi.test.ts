import { readFile } from 'node:fs/promises';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import type { Deps } from '../../src/deps.ts';
import { type AssetName, assetUrl } from '../../src/http/pages/asset.ts';

interface Operation {
  parameters?: { name: string; schema: { type?: string; default?: unknown; pattern?: string } }[];
  summary?: string;
  tags?: string[];
  responses: Record<string, { description: string }>;
}

const readAsset = (name: AssetName) => readFile(`dist/assets${assetUrl(name)}`, 'utf8');
const app = createApp(() => ({ readAsset }) as Partial<Deps> as Deps);
const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} } as Partial<ExecutionContext> as ExecutionContext;
const answer = await app.request('/openapi.json', {}, {}, context);
const document = (await answer.json()) as { openapi: string; paths: Record<string, Record<string, Operation>> };

it('is a valid OpenAPI 3.1 document', async () => {
  const result = await new Validator().validate(structuredClone(document));
  expect(result.errors ?? []).toEqual([]);
  expect([result.valid, document.openapi]).toEqual([true, '3.1.0']);
  const broken = structuredClone(document) as { paths: unknown };
  broken.paths = { '/x': { get: { responses: 7 } } };
  expect((await new Validator().validate(broken)).valid).toBe(false);
});

it('says of every route what it is for, whom it belongs to and how it fails', () => {
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { summary, tags, responses }] of Object.entries(operations)) {
      const name = `${method} ${path}`;
      expect([name, (summary ?? '').length > 5, tags?.length]).toEqual([name, true, 1]);
      expect([name, Object.keys(responses).some((status) => status.startsWith('2'))]).toEqual([name, true]);
      expect([name, Object.values(responses).every(({ description }) => description.length > 0)]).toEqual([name, true]);
    }
  }
});

it('says of every route that may be sent a body that it can be too large or no JSON, also where none is expected', () => {
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { responses }] of Object.entries(operations)) {
      const name = `${method} ${path}`;
      expect([name, '413' in responses, '415' in responses]).toEqual([name, method !== 'get', method !== 'get']);
    }
  }
});

it('says of numbers in a query that they are numbers, also where it says what stands for none', () => {
  const parameters = Object.values(document.paths).flatMap((operations) =>
    Object.values(operations).flatMap((one) => one.parameters ?? []),
  );
  const integers = parameters.filter(({ schema }) => schema.type === 'integer');
  expect(integers.length).toBeGreaterThan(5);
  for (const { name, schema } of integers) {
    const isFitting = schema.default === undefined || Number.isInteger(schema.default);
    expect([name, isFitting, schema.pattern]).toEqual([name, true, undefined]);
  }
});
