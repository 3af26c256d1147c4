/**
 * Prints the milliseconds of CPU that a V8 which has seen nothing yet needs to parse, compile and evaluate a bundled Worker.
 * `node bench/evaluate.ts worker.mjs`
 */
import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const WORKERS_API = 'data:text/javascript,export class DurableObject {} export const env = {}';

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'cloudflare:workers' ? { url: WORKERS_API, format: 'module', shortCircuit: true } : next(specifier, context),
});

const url = pathToFileURL(resolve(process.argv[2] ?? '')).href;
await import('node:crypto');
const before = process.threadCpuUsage();
await import(url);
const { user, system } = process.threadCpuUsage(before);
console.log(((user + system) / 1000).toFixed(1));
