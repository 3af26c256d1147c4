import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readCrons } from '../../scripts/crons.ts';
import { DEMO_DAYS, demoStory } from '../../scripts/demo-data.ts';
import { main, type Pipes } from '../../scripts/deploy.ts';
import { planDeployment, QUEUES, SECRETS } from '../../scripts/deploy-plan.ts';
import { linkOrigin, linkSql } from '../../scripts/link.ts';
import { describePublicUrl, publicUrlVar, readPublicUrl } from '../../scripts/public-url.ts';
import { findDatabaseId, withDatabaseId } from '../../scripts/remote-config.ts';
import { devVars, readDevConfig } from '../../scripts/secrets.ts';
import { devArgs, ensureDevVars, persistence } from '../../scripts/serve.ts';
import { option } from '../../scripts/wrangler.ts';
import { CRONS } from '../../src/jobs/model.ts';
import { createRandom } from '../support/random.ts';

describe('npm ci', () => {
  it('finds every system in the lock file', () => {
    interface Package {
      optionalDependencies?: Record<string, string>;
    }
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Package> };
    const missing = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !packages[`${place}/node_modules/${name}`] && !packages[`node_modules/${name}`]),
    );
    expect(missing).toEqual([]);
  });
});

describe('the build of assets', () => {
  it('leaves in place what a Worker that runs may be reading, and takes away what is none any more', async () => {
    const folder = 'dist/assets/assets';
    const build = () => promisify(execFile)(process.execPath, ['scripts/build-assets.ts']);
    const list = () => readdirSync(folder).map((name) => [name, statSync(join(folder, name)).ino]);
    await build();
    const before = list();
    writeFileSync(join(folder, 'old.0123456789.css'), 'p {}');
    await Promise.all([build(), build(), build()]);
    expect(list()).toEqual(before);
  });
});

describe('npm start', () => {
  it('makes secrets once, for their owner alone, and never touches them again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dev-vars-'));
    try {
      expect(await ensureDevVars(folder)).toBe(true);
      const path = join(folder, '.dev.vars');
      const first = readFileSync(path, 'utf8');
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(await ensureDevVars(folder)).toBe(false);
      expect(readFileSync(path, 'utf8')).toBe(first);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('reads its options in both ways of writing and rings the crons of wrangler.toml', async () => {
    expect([option(['--port', '9000'], 'port'), option(['--port=9001'], 'port'), option(['--ports=1'], 'port')]).toEqual([
      '9000',
      '9001',
      undefined,
    ]);
    expect([persistence(['--persist-to', 'x']), persistence([])]).toEqual([['--persist-to', 'x'], []]);
    expect(await readCrons()).toEqual(Object.keys(CRONS));
  });

  it("shows wrangler's log where it is asked for, and otherwise errors alone", () => {
    expect(devArgs(['--port', '1'])).toEqual(['dev', '--show-interactive-dev-session=false', '--log-level=error', '--port', '1']);
    expect(devArgs(['--verbose', '--port', '1'])).toEqual(['dev', '--show-interactive-dev-session=false', '--port', '1']);
    expect(devArgs(['--log-level', 'debug'])).toEqual(['dev', '--show-interactive-dev-session=false', '--log-level', 'debug']);
  });
});

describe('one-time links', () => {
  it('are stored as hashes, for the user with the email, however it is spelled', () => {
    expect(linkSql('abc', 5, null)).toBe(
      "INSERT INTO one_time_link (token_hash, created_at, expires_at, user_id) SELECT 'abc', 5, 604800005, s.* FROM (SELECT NULL) AS s RETURNING id",
    );
    expect(linkSql('abc', 5, "o'brien@example.org")).toContain("email = 'o''brien@example.org'");
  });
});

describe('the public address', () => {
  const inFolder = async (files: Record<string, string>, ask: (folder: string) => Promise<void>) => {
    const folder = mkdtempSync(join(tmpdir(), 'public-url-'));
    try {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      await ask(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const toml = (url: string) => `[vars]\nPUBLIC_URL = "${url}"\n`;

  it('is the one that the Worker would take, the nearest first', async () => {
    const files = {
      'wrangler.toml': toml('https://toml.example'),
      '.dev.vars': 'JWT_SECRET="x"\nPUBLIC_URL=https://vars.example/ # ours\n',
      'other.env': "PUBLIC_URL='https://other.example'",
    };
    await inFolder(files, async (folder) => {
      const read = async (args: string[], env = {}, isRemote = false) => {
        const found = await readPublicUrl(args, { folder, env, isRemote });
        return found && [found.origin, found.source];
      };
      const env = { PUBLIC_URL: 'https://env.example' };
      expect(await read(['--var', 'PUBLIC_URL:https://arg.example:8443'], env)).toEqual(['https://arg.example:8443', '--var']);
      expect(await read(['--var=PUBLIC_URL:https://arg.example'])).toEqual(['https://arg.example', '--var']);
      expect(await read([], env)).toEqual(['https://env.example', 'the environment']);
      expect(await read([], { PUBLIC_URL: '' })).toEqual(['https://vars.example', '.dev.vars']);
      expect(await read(['--env-file', 'other.env'])).toEqual(['https://other.example', 'other.env']);
      expect(await read(['--remote'], {}, true)).toEqual(['https://toml.example', 'wrangler.toml']);
    });
  });

  it('is the same in the configuration of this machine, which a remark or other quotes do not change', async () => {
    const files = {
      'wrangler.toml': readFileSync('wrangler.toml', 'utf8'),
      '.dev.vars': `${devVars().replaceAll('"', "'")}PUBLIC_URL="https://vars.example/" # ours\nexport MAX_API_TOKENS_PER_USER=7\n`,
    };
    await inFolder(files, async (folder) => {
      expect(await readDevConfig(folder)).toMatchObject({ publicUrl: 'https://vars.example', maxTokensPerUser: 7, maxKeysPerUser: 10 });
    });
  });

  it('is none where nobody names it, or the nearest names none', async () => {
    await inFolder({ 'wrangler.toml': '[vars]' }, async (folder) => expect(await readPublicUrl([], { folder, env: {} })).toBeNull());
    const files = { 'wrangler.toml': toml('https://toml.example'), '.dev.vars': 'PUBLIC_URL=""\n' };
    await inFolder(files, async (folder) => expect(await readPublicUrl([], { folder, env: {} })).toBeNull());
  });

  it.each(['http://monitor.example', 'https://monitor.example/path', 'monitor.example'])(
    'is refused as the Worker refuses it: %s',
    async (url) => {
      await inFolder({ 'wrangler.toml': toml(url) }, async (folder) => {
        await expect(readPublicUrl([], { folder, env: {} })).rejects.toThrow(/^PUBLIC_URL must be an/);
      });
    },
  );

  it('of the environment reaches the Worker on this machine, unless an argument says another', () => {
    const env = { PUBLIC_URL: 'https://env.example' };
    expect(publicUrlVar(['--port', '1'], env)).toEqual(['--var', 'PUBLIC_URL:https://env.example']);
    expect([publicUrlVar(['--var', 'PUBLIC_URL:'], env), publicUrlVar([], {})]).toEqual([[], []]);
  });

  it('begins links, unless an option says another', () => {
    const [none, told] = [null, 'https://people.example'];
    expect([linkOrigin([], none), linkOrigin([], told)]).toEqual(['http://localhost:8787', told]);
    expect([linkOrigin(['--remote'], none), linkOrigin(['--remote'], told)]).toEqual(['https://YOUR-WORKER', told]);
    expect(linkOrigin(['--port', '9000'], told)).toBe('http://localhost:9000');
    for (const url of ['https://other.example', 'https://other.example/'])
      expect([linkOrigin(['--url', url], told), linkOrigin(['--remote', `--url=${url}`], told)]).toEqual([
        'https://other.example',
        'https://other.example',
      ]);
    expect(() => linkOrigin(['--url', 'other.example'], told)).toThrow('--url must be an address');
  });

  it('is what npm start names, or says when to set', () => {
    const here = 'http://localhost:8787';
    expect(describePublicUrl({ origin: 'https://people.example', source: '.dev.vars' }, here)).toBe(
      'PUBLIC_URL is https://people.example (from .dev.vars): links in messages and invitations begin with it, and people sign in there, not at http://localhost:8787.',
    );
    expect(describePublicUrl({ origin: here, source: '--var' }, here)).not.toContain('sign in there');
    expect(describePublicUrl(null, here)).toMatch(
      /^PUBLIC_URL is not set: .*Behind a proxy that ends TLS, set PUBLIC_URL="https:\/\/…" in \.dev\.vars/,
    );
  });
});

describe('npm run deploy', () => {
  const id = '11111111-2222-3333-4444-555555555555';

  /** An account that remembers what wrangler did to it. */
  function createAccount(isSignedIn = true) {
    const account = {
      databases: [] as string[],
      queues: [] as string[],
      secrets: [] as string[],
      deployments: 0,
      migrations: 0,
      isOnline: true,
    };
    const said: string[] = [];
    const run: Pipes['run'] = async (args) => {
      const fine = (output = '') => ({ code: 0, output, errors: '' });
      const failed = {
        code: 1,
        output: '',
        errors: account.isOnline ? 'This Worker does not exist on your account. [code: 10007]' : 'ETIMEDOUT',
      };
      const command = args.slice(0, 2).join(' ');
      if (command === 'deploy --dry-run') return fine('Total Upload: …');
      if (!isSignedIn) return failed;
      if (command === 'd1 list') return fine(`banner\n${JSON.stringify(account.databases.map((name) => ({ name, uuid: id })))}`);
      if (command === 'd1 create') account.databases.push(args[2] ?? '');
      if (command === 'd1 migrations') account.migrations += 1;
      if (command === 'queues info') return account.queues.includes(args[2] ?? '') ? fine() : failed;
      if (command === 'queues create') account.queues.push(args[2] ?? '');
      if (command === 'secret list')
        return account.isOnline && account.deployments > 0 ? fine(JSON.stringify(account.secrets.map((name) => ({ name })))) : failed;
      if (args[0] === 'deploy') {
        account.deployments += 1;
        const file = option(args, 'secrets-file');
        if (file) account.secrets.push(...[...readFileSync(file, 'utf8').matchAll(/^(\w+)="/gm)].map(([, name]) => name ?? ''));
      }
      return fine();
    };
    const mustRun: Pipes['mustRun'] = async (args) => {
      const { code, output } = await run(args);
      if (code !== 0) throw new Error(`wrangler ${args.join(' ')} failed`);
      return output;
    };
    return { account, said, pipes: { run, mustRun, say: (line: string) => void said.push(line), keepSecrets: async () => {} } };
  }

  it('creates what is missing, once, and leaves secrets alone afterwards', async () => {
    const { account, pipes, said } = createAccount();
    expect(await main([], pipes)).toBe(true);
    expect(account).toEqual({
      databases: ['openrouter-monitor'],
      queues: [...QUEUES],
      secrets: [...SECRETS],
      deployments: 1,
      migrations: 1,
      isOnline: true,
    });
    expect(said.join('\n')).toContain('with fresh random secrets');
    expect(await main([], pipes)).toBe(true);
    expect(account).toEqual({
      databases: ['openrouter-monitor'],
      queues: [...QUEUES],
      secrets: [...SECRETS],
      deployments: 2,
      migrations: 2,
      isOnline: true,
    });
    expect(said.at(-2)).toContain('its secrets stay as they are');
  });

  it('never makes secrets anew because it could not ask for them', async () => {
    const { account, pipes } = createAccount();
    await main([], pipes);
    const before = structuredClone(account);
    account.isOnline = false;
    await expect(main([], pipes)).rejects.toThrow('nothing was done');
    expect({ ...account, isOnline: true }).toEqual(before);
  });

  it('leaves no secrets behind when it fails', async () => {
    const { pipes } = createAccount();
    let file = '';
    const run = pipes.run;
    pipes.mustRun = async (args) => {
      file = option(args, 'secrets-file') ?? file;
      if (args[0] === 'deploy') throw new Error('upload failed');
      return (await run(args)).output;
    };
    await expect(main([], pipes)).rejects.toThrow('upload failed');
    expect(file).not.toBe('');
    expect(existsSync(file)).toBe(false);
  });

  it('as a dry run changes nothing, with or without an account', async () => {
    for (const isSignedIn of [true, false]) {
      const { account, pipes, said } = createAccount(isSignedIn);
      expect(await main(['--dry-run'], pipes)).toBe(true);
      expect(account).toEqual({ databases: [], queues: [], secrets: [], deployments: 0, migrations: 0, isOnline: true });
      expect(said.filter((line) => line.includes('would '))).toHaveLength(5);
    }
  });

  it('asks to sign in', async () => {
    const { pipes, said } = createAccount(false);
    expect(await main([], pipes)).toBe(false);
    expect(said[0]).toContain('wrangler login');
  });

  it('plans nothing but migrations and the Worker where everything is there', () => {
    const steps = planDeployment({ databaseId: id, queues: QUEUES, secrets: SECRETS });
    expect(steps).toEqual([{ kind: 'migrate' }, { kind: 'deploy', newSecrets: [] }]);
  });

  it('finds the database by its name', () => {
    expect(findDatabaseId(JSON.stringify([{ name: 'other', uuid: 'x' }]))).toBeNull();
    expect(withDatabaseId('database_id = "00000000-0000-0000-0000-000000000000"', id)).toBe(`database_id = "${id}"`);
    expect(() => withDatabaseId('', id)).toThrow('placeholder');
  });
});

describe('the demo', () => {
  it('tells a story whose ledger is what was spent', () => {
    const now = Date.parse('2026-11-15T12:34:56Z');
    const keys = demoStory(now, (index) => `sk-or-v1-${index}`);
    expect(keys.map(({ isValid }) => isValid)).toEqual([true, true, true, true, false, true, true, true]);
    for (const { spends, days, series } of keys) {
      const booked = days.reduce((sum, { costNano }) => sum + costNano, 0);
      const spent = spends.filter(({ at }) => at <= series.last.at).reduce((sum, { nano }) => sum + nano, 0);
      expect(booked).toBe(spent);
      expect(days.length).toBeGreaterThan(DEMO_DAYS / 2);
    }
    expect([createRandom(1)(), createRandom(1)()]).toEqual([createRandom(1)(), createRandom(1)()]);
  });
});
