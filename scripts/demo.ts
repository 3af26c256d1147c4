/** `npm run demo`: the Worker with a simulated OpenRouter, a demo user and ninety days of history. */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRuleSchema, DEFAULT_RULES, parametersOf, type RuleInput } from '../src/alerts/model.ts';
import { encrypt, type Keyring } from '../src/crypto/cipher.ts';
import { hashPassword } from '../src/crypto/password.ts';
import { CIPHERTEXT_COLUMN } from '../src/inventory/model.ts';
import { maskKey } from '../src/keys/model.ts';
import { dayOf, periodOf, startOfDay } from '../src/lib/day.ts';
import { sha256Hex } from '../src/lib/sha256.ts';
import { describeReadError } from '../src/sync/verdict.ts';
import { startSimulatorServer } from '../test/support/openrouter/server.ts';
import { createSimulator, type Simulator } from '../test/support/openrouter/simulator.ts';
import { fireCron } from './crons.ts';
import { type DemoKey, demoChatroom, demoStory, nextSpend } from './demo-data.ts';
import { readPublicUrl } from './public-url.ts';
import { DEMO_USER } from './running-demo.ts';
import { readDevConfig } from './secrets.ts';
import { ensureDevVars, migrate, originOf, portOf, requireFreePort, serve } from './serve.ts';
import { mustRunWrangler, root } from './wrangler.ts';

const FOLDER = '.wrangler/demo';
const { email: EMAIL, password: PASSWORD } = DEMO_USER;
const USER_ID = 1;
const LIVE_SPEND_MS = 20_000;
const CREDITS_NANO = 5_000e9;
/** Wider queries time out, as for large accounts, so the history takes some minutes and its progress shows. */
const SLOW_BEYOND_DAYS = 5;
const WORKSPACES = [
  { id: '550e8400-e29b-41d4-a716-446655440000', name: 'Team', slug: 'team' },
  { id: '7d1f0a52-93a1-4c3e-8a4f-0c7a3b1de2f4', name: 'Lab', slug: 'lab' },
];

const quote = (value: string | number | null): string => (typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value));

const insert = (table: string, row: Record<string, string | number | null>): string =>
  `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.values(row).map(quote).join(', ')});`;

function sampleColumns({ spends, series: { last, startedAt } }: DemoKey) {
  const spentIn = (period: 'week' | 'month') => {
    const since = startOfDay(periodOf(period, dayOf(last.at)).from);
    const spent = spends.filter(({ at }) => at >= since && at <= last.at);
    return spent.reduce((sum, { nano, byokNano }) => ({ nano: sum.nano + nano, byokNano: sum.byokNano + byokNano }), {
      nano: 0,
      byokNano: 0,
    });
  };
  const [week, month] = [spentIn('week'), spentIn('month')];
  return {
    series_started_at: startedAt,
    last_sample_at: last.at,
    sampled_nano: last.credits.totalNano,
    sampled_daily_nano: last.credits.todayNano,
    sampled_weekly_nano: week.nano,
    sampled_monthly_nano: month.nano,
    sampled_byok_nano: last.byok.totalNano,
    sampled_byok_daily_nano: last.byok.todayNano,
    sampled_byok_weekly_nano: week.byokNano,
    sampled_byok_monthly_nano: month.byokNano,
  };
}

const daySql = (key: DemoKey, id: number): string[] =>
  key.days.map((day) =>
    insert('key_day', {
      user_id: USER_ID,
      day: day.day,
      upstream_key_id: id,
      counted_nano: day.costNano,
      counted_byok_nano: day.byokCostNano,
      correction_nano: day.correctionNano,
      correction_byok_nano: day.byokCorrectionNano,
      is_estimated: day.isEstimated ? 1 : 0,
      hours: Object.keys(day.hours).length > 0 ? JSON.stringify(day.hours) : null,
      source: 'counters',
    }),
  );

type Columns = Parameters<typeof insert>[1];

/** A key and its upstream key have the same id. */
async function textSql(id: number, text: string, key: Columns, keyring: Keyring, series: Columns = {}): Promise<string[]> {
  const hash = await sha256Hex(text);
  const { envelope, kid } = await encrypt(keyring, { column: CIPHERTEXT_COLUMN, userId: USER_ID, hash }, text);
  return [
    insert('api_key', { id, user_id: USER_ID, hash, label: maskKey(text), ciphertext: envelope, kid, ...key }),
    insert('upstream_key', { id, user_id: USER_ID, hash, api_key_id: id, created_at: 0, ...series }),
  ];
}

async function keySql(key: DemoKey, id: number, keyring: Keyring): Promise<string[]> {
  const { last, startedAt } = key.series;
  const row = {
    kind: 'inference',
    name: key.name,
    health: key.isValid ? 'active' : 'invalid',
    limit_nano: key.limitNano,
    created_at: startedAt,
  };
  const refused = { last_validated_at: last.at, last_error: describeReadError({ kind: 'unauthorized' }), refused_at: last.at };
  const rows = await textSql(id, key.text, { ...row, ...(key.isValid ? {} : refused) }, keyring, sampleColumns(key));
  return [...rows, ...daySql(key, id)];
}

async function seed(keys: readonly DemoKey[], management: string, now: number): Promise<void> {
  await rm(join(root, FOLDER), { recursive: true, force: true });
  await migrate(['--persist-to', FOLDER]);
  const { keyring } = await readDevConfig();
  const user = insert('user', {
    id: USER_ID,
    email: EMAIL,
    password_hash: await hashPassword(PASSWORD),
    created_at: keys[0]?.series.startedAt ?? 0,
  });
  const rows = await Promise.all(keys.map((key, index) => keySql(key, index + 1, keyring)));
  rows.push(await managementSql(management, keys.length + 1, now, keyring));
  rows.push(RULES.map((rule) => ruleSql(rule, keys[0]?.series.startedAt ?? now)));
  const file = join(root, FOLDER, 'demo.sql');
  await writeFile(file, [user, ...rows.flat()].join('\n'));
  await mustRunWrangler(['d1', 'execute', 'DB', '--local', '--persist-to', FOLDER, '--yes', '--file', file]);
}

const RULES: readonly RuleInput[] = [
  ...DEFAULT_RULES,
  createRuleSchema.parse({ type: 'budget', name: 'Whole team', amount_usd: 1000, period: 'month', forecast: true }),
  createRuleSchema.parse({ type: 'budget', amount_usd: 20, period: 'day', key_id: 1 }),
  createRuleSchema.parse({ type: 'limit_remaining', below_ratio: 0.25 }),
  createRuleSchema.parse({ type: 'spike', factor: 2 }),
];

const ruleSql = (rule: RuleInput, createdAt: number): string =>
  insert('alert_rule', {
    user_id: USER_ID,
    type: rule.type,
    name: rule.name,
    key_id: rule.key_id,
    channel_ids: '[]',
    parameters: parametersOf(rule),
    created_at: createdAt,
  });

const managementSql = (text: string, id: number, now: number, keyring: Keyring): Promise<string[]> =>
  textSql(id, text, { kind: 'management', name: 'company account', health: 'active', created_at: now }, keyring);

function live(simulator: Simulator, keys: readonly DemoKey[], management: string, now: number, isQuick: boolean): void {
  const createdAt = new Date(keys[0]?.series.startedAt ?? now).toISOString();
  if (!isQuick) simulator.analytics.slowBeyondDays = SLOW_BEYOND_DAYS;
  for (const workspace of WORKSPACES) simulator.addWorkspace(workspace);
  simulator.addKey(management, { name: 'company account', isManagement: true, createdAt });
  simulator.buyCredits(CREDITS_NANO);
  for (const { text, name, limitNano, workspace, isValid, spends } of keys) {
    const workspaceId = WORKSPACES.find((known) => known.name === workspace)?.id;
    simulator.addKey(text, { name, limitNano, createdAt, ...(workspaceId && { workspaceId }) });
    if (isValid) for (const { at, ...amounts } of spends) simulator.spend(text, amounts, at);
    else simulator.removeKey(text);
  }
  for (const { at, ...amounts } of demoChatroom(now)) simulator.spendInChatroom(amounts, at);
  const spenders = keys.filter(({ isValid }) => isValid);
  setInterval(() => {
    for (const key of spenders) simulator.spend(key.text, nextSpend(key, Math.random));
  }, LIVE_SPEND_MS).unref();
}

/** All of the history within a minute. */
const QUICK = '--quick';
const isQuick = process.argv.includes(QUICK);
const args = process.argv.slice(2).filter((arg) => arg !== QUICK);
const now = Date.now();
await requireFreePort(portOf(args));
await ensureDevVars();
const newText = () => `sk-or-v1-${randomBytes(32).toString('hex')}`;
const keys = demoStory(now, newText);
const management = newText();
await seed(
  keys.filter(({ isAdded }) => isAdded),
  management,
  now,
);
const simulator = createSimulator({ now: Date.now });
live(simulator, keys, management, now, isQuick);
const server = await startSimulatorServer(0, simulator, () => {});
const address = server.address();
const port = typeof address === 'object' ? address?.port : undefined;
const base = `OPENROUTER_BASE_URL:http://127.0.0.1:${port}/api/v1`;
// The demo is used at this address, whatever `PUBLIC_URL` says.
const isElsewhere = (await readPublicUrl(args)) !== null;
const publicUrl = isElsewhere ? ['--var', `PUBLIC_URL:${originOf(args)}`] : [];
await serve(['--persist-to', FOLDER, '--var', base, ...publicUrl, ...args], async (origin) => {
  await fireCron(origin, '3 * * * *', Date.now());
  const discovered = keys.find(({ isAdded }) => !isAdded);
  console.log(`
The demo is at ${origin}. Open it in a browser and sign in as ${EMAIL} with the password "${PASSWORD}".
For the API:

  curl -X POST ${origin}/api/auth/login -H 'Content-Type: application/json' -d '{"email":"${EMAIL}","password":"${PASSWORD}"}'

The OpenRouter behind it is simulated; its history is read through a management key within ${isQuick ? 'a minute' : 'some minutes'}. To add the discovered key "${discovered?.name}", add its secret: ${discovered?.text}
Stop both with Ctrl+C.
`);
});
