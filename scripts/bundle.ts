import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runOrThrow } from './wrangler.ts';

const GZIP_LEVEL = 6;

export interface Bundle {
  code: string;
  gzipBytes: number;
}

/** Uploads nothing and leaves no files. */
export async function buildBundle(): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'openrouter-monitor-bundle-'));
  try {
    await runOrThrow(['deploy', '--dry-run', '--outdir', folder]);
    const code = await readFile(join(folder, 'worker.js'), 'utf8');
    return { code, gzipBytes: gzipSync(code, { level: GZIP_LEVEL }).byteLength };
  } finally {
    await rm(folder, { recursive: true });
  }
}
