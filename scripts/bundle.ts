/** The Worker's bundle, as a deployment would upload it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runOrThrow } from './wrangler.ts';

/** The level at which wrangler tells sizes. */
const GZIP_LEVEL = 6;

export interface Bundle {
  code: string;
  gzipBytes: number;
  /** Paths of the modules that it is made of, from the project's folder on. */
  modules: string[];
}

interface Metafile {
  outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>;
}

const modulesOf = ({ outputs }: Metafile): string[] =>
  Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs).filter((path) => (inputs[path]?.bytesInOutput ?? 0) > 0));

/** Builds it; nothing is uploaded, and nothing stays on the disk. */
export async function buildBundle(): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'openrouter-monitor-bundle-'));
  try {
    await runOrThrow(['deploy', '--dry-run', '--outdir', folder, '--metafile', join(folder, 'meta.json')]);
    const code = await readFile(join(folder, 'worker.js'), 'utf8');
    const metafile: Metafile = JSON.parse(await readFile(join(folder, 'meta.json'), 'utf8'));
    return { code, gzipBytes: gzipSync(code, { level: GZIP_LEVEL }).byteLength, modules: modulesOf(metafile) };
  } finally {
    await rm(folder, { recursive: true });
  }
}
