/** Sends planned requests in a scene, and says what is wrong with each answer. */
import { createWorld } from '../world.ts';
import type { Answer, createContract } from './contract.ts';
import { type Asker, resolve, type Scene } from './known-values.ts';
import { breakText, encodeText } from './mutations.ts';
import { createPerson, idsIn, rowsIn, storedSecrets } from './people.ts';
import type { Operation, Plan } from './requests.ts';

export interface Outcome {
  status: number;
  faults: string[];
  /** How many rows there are in the list that was answered; null: it is none. */
  rows: number | null;
  /** The request and its answer, cut. */
  transcript: string;
}

interface Request {
  path: string;
  body: Uint8Array<ArrayBuffer> | undefined;
  headers: Record<string, string>;
}

const MAX_LINE = 1500;
/** Between two requests. */
const PAUSE_MS = 5000;

let addresses = 0;
/** Nobody else's, so that the throttles by address are not what is tried. */
function freshAddress(): string {
  addresses += 1;
  return `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`;
}

/** Two users who have something of everything, in a world of their own. */
export async function createScene(operations: readonly Operation[]): Promise<Scene> {
  const world = createWorld({ config: { maxKeysPerUser: 1000, maxTokensPerUser: 1000 } });
  const isList = ({ name, path }: Operation) => name.startsWith('GET ') && operations.some((other) => other.path.startsWith(`${path}/{`));
  const lists = operations.filter(isList).map(({ path }) => path);
  const people = [await createPerson(world, lists, true), await createPerson(world, lists, false)] as const;
  return { world, people, secrets: new Set(people.flatMap((person) => person.secrets)), cursors: new Map() };
}

const encode = (value: unknown): string =>
  encodeURIComponent(String(typeof value === 'object' && value !== null ? JSON.stringify(value) : value).toWellFormed());

/** A query as it stands in an address: a list is a parameter that is repeated. */
function queryText(query: unknown, suffix: string): string {
  const pairs: [string, unknown][] =
    typeof query === 'object' && query !== null && !Array.isArray(query) ? Object.entries(query) : [['value', query ?? []]];
  const texts = pairs.flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((item) => `${encode(name)}=${encode(item)}`));
  const text = [...texts, suffix].filter((part) => part !== '').join('&');
  return text && `?${text}`;
}

async function askerOf(scene: Scene, { operation, credential }: Plan): Promise<Asker> {
  const [first, second] = credential === 'other' ? [scene.people[1], scene.people[0]] : scene.people;
  if (!operation.isOnSelf || operation.access === 'public') return { person: first, other: second, namesForeign: false };
  const { token: session, email } = await scene.world.makeUser();
  scene.secrets.add(session);
  return { person: { ...first, session, email }, other: second, namesForeign: false };
}

function bearerOf({ credential }: Plan, { person }: Asker): string | null {
  switch (credential) {
    case 'none':
      return null;
    case 'garbage':
      return 'garbage';
    case 'forged':
      return `${person.session.slice(0, -8)}AAAAAAAA`;
    case 'ended':
    case 'expired':
      return person[credential];
    case 'token':
      return person.apiToken;
    case 'right':
    case 'other':
      return person.session;
  }
}

async function requestOf(scene: Scene, asker: Asker, plan: Plan): Promise<Request> {
  const params = (await resolve(scene, asker, plan.params)) as Record<string, unknown>;
  const query = await resolve(scene, asker, plan.query);
  const json = JSON.stringify(await resolve(scene, asker, plan.body));
  const body = json === undefined ? undefined : plan.breakage ? breakText(json, plan.breakage) : encodeText(json);
  const bearer = bearerOf(plan, asker);
  // A segment of dots alone would lead to another path.
  const segment = (name: string) => encode(params[name]).replace(/^\.+$/, '%20');
  return {
    path: plan.operation.path.replace(/\{(\w+)\}/g, (_, name: string) => segment(name)) + queryText(query, plan.querySuffix),
    body,
    headers: {
      'cf-connecting-ip': freshAddress(),
      ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
      ...(plan.accept !== null && { accept: plan.accept }),
      ...(body && { 'content-length': String(body.length) }),
      ...(body && plan.contentType !== null && { 'content-type': plan.contentType }),
    },
  };
}

const isGood = ({ credential, operation }: Plan): boolean =>
  operation.access === 'public' || ['right', 'other', ...(operation.access === 'reader' ? ['token'] : [])].includes(credential);

/** What only somebody who may does, and what nobody may. */
export function accessFaults(plan: Plan, { namesForeign }: Pick<Asker, 'namesForeign'>, status: number): string[] {
  if (plan.operation.access === 'public') return [];
  if (!isGood(plan)) return status < 400 ? [`the credential "${plan.credential}" is accepted`] : [];
  if (status === 401) return [`the credential "${plan.credential}" is refused`];
  return namesForeign && plan.breakage === null && status < 400 ? ["what is the other user's can be named"] : [];
}

/** What an answer contains that it must not. */
export function leaksIn(text: string, secrets: Iterable<string>): string[] {
  return [...secrets].filter((secret) => text.includes(secret)).map((secret) => `a secret is in the answer: ${secret.slice(0, 12)}…`);
}

/** Learns from a good answer: ids of what was made or deleted, cursors, and secrets that are not to be seen again. */
function learn(scene: Scene, { person }: Asker, { operation }: Plan, path: string, body: unknown): void {
  const [, collection = '', id] = /^(.*)\/(\d+)$/.exec(path) ?? [];
  const known = person.ids.get(collection) ?? [];
  if (operation.method === 'DELETE' && id)
    person.ids.set(
      collection,
      known.filter((one) => one !== Number(id)),
    );
  if (typeof body !== 'object' || body === null) return;
  const fields = body as Record<string, unknown>;
  const cursor = fields['next_cursor'];
  if (typeof cursor === 'string') scene.cursors.set(operation.path, [...(scene.cursors.get(operation.path) ?? []), cursor]);
  if (operation.method === 'POST') person.ids.get(operation.path)?.push(...idsIn([fields]));
  for (const name of ['token', 'secret', 'access_token']) if (typeof fields[name] === 'string') scene.secrets.add(fields[name]);
}

/** Secrets of anybody, and marks of what is not the asker's; of an answer to nobody in particular, all marks. */
async function leakFaults({ people, secrets }: Scene, asker: Asker, plan: Plan, answer: Answer): Promise<string[]> {
  if (plan.operation.method !== 'GET' && answer.status < 400) for (const secret of await storedSecrets(people[0].id)) secrets.add(secret);
  const isReported = plan.operation.access !== 'public' && isGood(plan);
  const marks = isReported ? asker.other.marks : people.flatMap((person) => person.marks);
  return leaksIn(JSON.stringify([...answer.headers]) + answer.text, [...secrets, ...marks]);
}

const cut = (text: string): string => (text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}… (${text.length} characters)` : text);

/** Sends a request, and says what is wrong with its answer. */
export async function play(scene: Scene, contract: ReturnType<typeof createContract>, plan: Plan): Promise<Outcome> {
  const { world } = scene;
  world.clock.now += PAUSE_MS;
  const asker = await askerOf(scene, plan);
  const { path, body, headers } = await requestOf(scene, asker, plan);
  const response = await world.call(plan.operation.method, path, { headers, ...(body && { raw: body }) });
  const answer: Answer = { status: response.status, headers: response.headers, text: await response.text() };
  const faults = [
    ...contract.faultsOf(plan.operation, answer),
    ...accessFaults(plan, asker, answer.status),
    ...(await leakFaults(scene, asker, plan, answer)),
  ];
  const isJson = faults.length === 0 && answer.headers.get('content-type')?.startsWith('application/json') === true;
  const content: unknown = isJson ? JSON.parse(answer.text) : null;
  if (faults.length === 0 && answer.status < 400) learn(scene, asker, plan, path, content);
  const transcript = [
    `${plan.operation.method} ${path} as ${plan.credential}`,
    JSON.stringify(headers),
    body ? new TextDecoder().decode(body) : '',
    `→ ${answer.status} ${answer.text}`,
  ];
  return { status: answer.status, faults, rows: rowsIn(content)?.length ?? null, transcript: transcript.map(cut).join('\n') };
}
