import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { devVars } from '../../scripts/secrets.ts';
import { ConfigError, parseConfig } from '../../src/config.ts';
import { strictTransport } from '../../src/http/strict-transport.ts';
import { CRONS } from '../../src/jobs/model.ts';

const toml = parse(readFileSync('wrangler.toml', 'utf8')) as { vars: Record<string, string>; triggers: { crons: string[] } };
const secrets = Object.fromEntries([...devVars().matchAll(/^([A-Z_]+)="(.*)"$/gm)].map(([, name, value]) => [name, value]));
const sound = { ...toml.vars, ...secrets };
const problem = (change: Record<string, unknown>): string => {
  try {
    parseConfig({ ...sound, ...change });
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
};
const base64 = (byte: (index: number) => number, length = 32): string =>
  Buffer.from(Array.from({ length }, (_, index) => byte(index))).toString('base64');
const random = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');

describe('configuration', () => {
  it('of wrangler.toml with fresh secrets is sound', () => {
    expect(parseConfig(sound)).toMatchObject({
      retentionDays: 365,
      hourlyRetentionDays: 92,
      maxTokensPerUser: 5,
      maxKeysPerUser: 10,
      registration: 'open',
    });
    expect(toml.vars).toMatchObject({ REGISTRATION: 'invite', OPENROUTER_BASE_URL: 'https://openrouter.ai/api/v1' });
    expect(parseConfig({ ...sound, OPENROUTER_BASE_URL: 'http://127.0.0.1:9100/api/v1/' }).openrouterBaseUrl).toBe(
      'http://127.0.0.1:9100/api/v1',
    );
  });

  it('names what is missing, short or an example, and never a value', () => {
    expect(problem({ JWT_SECRET: undefined })).toMatch(/^JWT_SECRET is missing/);
    expect(problem({ JWT_SECRET: 'short' })).toMatch(/^JWT_SECRET is too short/);
    expect(problem({ JWT_SECRET: `change-me-${'abcdefghijklmnop'.repeat(3)}` })).toMatch(/^JWT_SECRET is an example/);
    expect(problem({ JWT_SECRET: 'a'.repeat(64) })).toMatch(/^JWT_SECRET is an example/);
    expect(problem({ ENCRYPTION_KEYS: undefined })).toMatch(/^ENCRYPTION_KEYS is missing/);
    expect(problem({ ENCRYPTION_KEYS: '' })).toMatch(/^ENCRYPTION_KEYS is missing/);
    expect(problem({ ENCRYPTION_KEYS: random() })).toMatch(/^ENCRYPTION_KEYS must be a list of kid:base64/);
    expect(problem({ ENCRYPTION_KEYS: 'k1:A' })).toMatch(/^ENCRYPTION_KEYS holds no base64 for "k1"/);
    expect(problem({ ENCRYPTION_KEYS: `k1:${base64((index) => index * 7, 31)}` })).toMatch(/^ENCRYPTION_KEYS must hold 32 bytes for "k1"/);
    expect(problem({ ENCRYPTION_KEYS: `k1:${base64(() => 0)}` })).toMatch(/^ENCRYPTION_KEYS holds an example for "k1"/);
    expect(problem({ ENCRYPTION_KEYS: `k1:${random()},k1:${random()}` })).toMatch(/^ENCRYPTION_KEYS names "k1" twice/);
    const secret = 'tooshort-but-secret';
    expect(problem({ JWT_SECRET: secret, ENCRYPTION_KEYS: `k1:${secret}` })).not.toContain(secret);
  });

  it('takes an address for people that is https, or of this machine, and nothing but an origin', () => {
    const told = (url: string) => parseConfig({ ...sound, PUBLIC_URL: url }).publicUrl;
    expect(['', 'https://monitor.example/', ' https://monitor.example:8443 ', 'http://localhost:8787'].map(told)).toEqual([
      null,
      'https://monitor.example',
      'https://monitor.example:8443',
      'http://localhost:8787',
    ]);
    expect(parseConfig({ ...sound, PUBLIC_URL: undefined }).publicUrl).toBeNull();
    for (const url of ['http://monitor.example', 'monitor.example', 'ftp://a.example']) {
      expect(problem({ PUBLIC_URL: url })).toMatch(/^PUBLIC_URL must be an https URL/);
    }
    for (const url of ['https://a.example/sub', 'https://a.example/?x=1', 'https://a.example/#x', 'https://u:p@a.example']) {
      expect(problem({ PUBLIC_URL: url })).toMatch(/^PUBLIC_URL must be an origin alone/);
    }
  });

  it('lists everything that is wrong at once', () => {
    const message = problem({ JWT_SECRET: undefined, ENCRYPTION_KEYS: undefined, REGISTRATION: 'closed', USAGE_STATS_RETENTION_DAYS: 'x' });
    for (const name of ['JWT_SECRET', 'ENCRYPTION_KEYS', 'REGISTRATION', 'USAGE_STATS_RETENTION_DAYS']) expect(message).toContain(name);
  });

  it('sends keys nowhere without https, except to this machine', () => {
    for (const url of [
      'http://openrouter.ai/api/v1',
      'ftp://openrouter.ai',
      'nonsense',
      'http://localhost.evil.org',
      'http://127.0.0.1.evil.org',
    ]) {
      expect(problem({ OPENROUTER_BASE_URL: url })).toMatch(/^OPENROUTER_BASE_URL must be/);
    }
    for (const url of ['http://localhost:1', 'http://127.0.0.1:1', 'http://[::1]:1', 'https://proxy.example.org']) {
      expect(problem({ OPENROUTER_BASE_URL: url })).toBe('');
    }
  });

  it('tells browsers about subdomains only where the operator says so', () => {
    expect(parseConfig(sound).isHstsForSubdomains).toBe(false);
    expect(toml.vars['HSTS_SUBDOMAINS']).toBe('false');
    expect(parseConfig({ ...sound, HSTS_SUBDOMAINS: 'true' }).isHstsForSubdomains).toBe(true);
    expect(problem({ HSTS_SUBDOMAINS: 'yes' })).toBe('HSTS_SUBDOMAINS must be "true" or "false"');
    expect([strictTransport(false), strictTransport(true)]).toEqual(['max-age=31536000', 'max-age=31536000; includeSubDomains']);
  });

  it('takes several encryption keys in order', () => {
    const keyring = parseConfig({ ...sound, ENCRYPTION_KEYS: `new:${random()}, old:${random()}` }).keyring;
    expect(keyring.map(({ kid }) => kid)).toEqual(['new', 'old']);
  });
});

it('has the cron table of wrangler.toml', () => {
  expect(Object.keys(CRONS)).toEqual(toml.triggers.crons);
});
