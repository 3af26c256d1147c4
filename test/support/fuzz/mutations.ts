/** What goes wrong with requests: odd values in the place of sound ones, fields that are missing or too many, texts that are no JSON. */
import fc, { type Arbitrary } from 'fast-check';

/** A value that is looked up when the request is sent, such as an id that exists by then; for mutations it is one value. */
export class Known {
  readonly name: string;
  /** Which of several, 0 to 999. */
  readonly pick: number;

  constructor(name: string, pick: number) {
    this.name = name;
    this.pick = pick;
  }

  toString(): string {
    return `<${this.name} ${this.pick}>`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** A field that an object has of JSON and not of JavaScript. */
const NAMES = [
  'is_admin',
  'user_id',
  'id',
  '__proto__',
  'constructor',
  'toString',
  '',
  'Name',
  'name ',
  '\u0000',
  'é',
  '$ref',
  'name[]',
  'a.b',
];

const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  'line\r\nx-injected: 1',
  '\u001b[31m',
  '\ud800',
  '\udc00x',
  '\ufeff',
  '\u202e\u2066',
  'e\u0301'.repeat(50),
  '👩‍👩‍👧‍👦'.repeat(30),
  'İıſK',
  '١٢٣',
  "' OR 1=1 --",
  '%00',
  '%ff',
  '{{7*7}}',
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '=1+1',
  'null',
  '0x10',
  '1e3',
  '-0',
  'NaN',
  '2026-02-30',
  '2026-11-15T25:00:00Z',
  '0000-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59-23:59',
  'x'.repeat(101),
  'x'.repeat(5000),
  'x'.repeat(70_000),
  '😀'.repeat(10_000),
];

const ODD_NUMBERS = [
  0,
  -0,
  -1,
  1,
  0.1,
  1.5,
  -1e-9,
  1e-300,
  5e-324,
  1e21,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 - 1,
  2 ** 63,
  -(2 ** 63),
];

export const oddTexts: Arbitrary<string> = fc.oneof(fc.constantFrom(...ODD_TEXTS), fc.string({ unit: 'binary', maxLength: 40 }));

/** A value of any type that JSON has. */
export const oddValues: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, [], {}, [null], [[]], { a: { b: {} } }),
  fc.constantFrom(...ODD_NUMBERS),
  oddTexts,
  fc.jsonValue({ maxDepth: 3 }),
);

export type Mutation =
  | { kind: 'drop'; place: number }
  | { kind: 'replace'; place: number; value: unknown }
  | { kind: 'add'; place: number; name: string; value: unknown }
  | { kind: 'wrap'; place: number }
  | { kind: 'repeat'; place: number };

const places = fc.nat({ max: 1000 });

export const mutations: Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('drop' as const), place: places }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('replace' as const), place: places, value: oddValues }) },
  fc.record({ kind: fc.constant('add' as const), place: places, name: fc.constantFrom(...NAMES), value: oddValues }),
  fc.record({ kind: fc.constantFrom('wrap' as const, 'repeat' as const), place: places }),
);

type Path = readonly (string | number)[];
type Tree = Record<string | number, unknown>;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !(value instanceof Known);

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (!isTree(value)) return [path];
  return [path, ...Object.entries(value).flatMap(([name, inner]) => pathsOf(inner, [...path, Array.isArray(value) ? Number(name) : name]))];
}

/** The value with another one at a path; `undefined` takes it away. */
function withValue(value: unknown, [name, ...rest]: Path, change: (old: unknown) => unknown): unknown {
  if (name === undefined) return change(value);
  if (!isTree(value)) return value;
  const changed = withValue(value[name], rest, change);
  if (Array.isArray(value)) return value.flatMap((item, index) => (index === name ? (changed === undefined ? [] : [changed]) : [item]));
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (key === name ? (changed === undefined ? [] : [[key, changed]]) : [[key, item]])),
  );
}

/** The value with something wrong at one of its places, the whole among them; without a value where the whole was dropped. */
export function mutate(value: unknown, mutation: Mutation): unknown {
  const paths = pathsOf(value);
  const path = paths[mutation.place % paths.length] ?? [];
  return withValue(value, path, (old) => {
    switch (mutation.kind) {
      case 'drop':
        return undefined;
      case 'replace':
        return mutation.value;
      case 'wrap':
        return [old];
      case 'repeat':
        return Array.isArray(old) ? [...old, ...old] : [old, old];
      case 'add':
        // `fromEntries` makes `__proto__` a field like any other, as `JSON.parse` does.
        return isTree(old) && !Array.isArray(old)
          ? Object.fromEntries([...Object.entries(old), [mutation.name, mutation.value]])
          : { [mutation.name]: old };
    }
  });
}

/** How a body's text is broken on its way. */
export type Breakage =
  | 'truncate'
  | 'empty'
  | 'bom'
  | 'latin1'
  | 'utf16'
  | 'duplicate'
  | 'nest'
  | 'nan'
  | 'comment'
  | 'garbage'
  | 'pad'
  | 'huge';
export const BREAKAGES: readonly Breakage[] = [
  'truncate',
  'empty',
  'bom',
  'latin1',
  'utf16',
  'duplicate',
  'nest',
  'nan',
  'comment',
  'garbage',
  'pad',
  'huge',
];

const NESTING = 20_000;
/** The bytes of a text. */
export const encodeText = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(new TextEncoder().encode(text));

/** The bytes of a JSON text that something happened to. */
export function breakText(json: string, breakage: Breakage): Uint8Array<ArrayBuffer> {
  switch (breakage) {
    case 'truncate':
      return encodeText(json.slice(0, Math.floor(json.length / 2)));
    case 'empty':
      return encodeText('');
    case 'bom':
      return encodeText(`\ufeff${json}`);
    case 'latin1':
      return Uint8Array.from([...encodeText(json.slice(0, -1)), 0xe9, 0xff, 0x22, 0x7d]);
    case 'utf16':
      return Uint8Array.from([...json].flatMap((character) => [character.charCodeAt(0) & 0xff, character.charCodeAt(0) >> 8]));
    case 'duplicate':
      return encodeText(json.replace(/^\{("(?:[^"\\]|\\.)*"):/, '{$1:null,$1:'));
    case 'nest':
      return encodeText(`${'['.repeat(NESTING)}${json.length < 1000 ? json : '1'}${']'.repeat(NESTING)}`);
    case 'nan':
      return encodeText(json.replace(/:[^,}]*/, ':NaN'));
    case 'comment':
      return encodeText(`/* */${json}`);
    case 'garbage':
      return encodeText(`a=1&b=${json}`);
    case 'pad':
      return encodeText(`\n\t ${json} \r\n`);
    case 'huge':
      return encodeText(json + ' '.repeat(66_000));
  }
}
