/** Which colour a name has: the same in every range and at every rank, and as far as possible no other name's. Pure. */
import type { Tone } from '../charts/model.ts';
import type { Dimension } from '../usage/model.ts';
import type { Answer, AnswerSeries } from './answer.ts';

/** Of each colour there are three shades. */
const COLOURS = 7;
const SHADES = 3;

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** The colour that a name would have by itself, or the next one that is free, plain ones first; null: none is. */
function freeTone(name: string, taken: ReadonlySet<number>): number | null {
  const own = hashOf(name) % COLOURS;
  for (let shade = 0; shade < SHADES; shade++) {
    for (let step = 0; step < COLOURS; step++) {
      const tone = shade * COLOURS + ((own + step) % COLOURS);
      if (!taken.has(tone)) return tone;
    }
  }
  return null;
}

/** Gives names their colours in this order. When all are given away they are given once more. */
function assign(names: readonly string[]): Map<string, number> {
  const taken = new Set<number>();
  return new Map(
    names.map((name) => {
      if (freeTone(name, taken) === null) taken.clear();
      const tone = freeTone(name, taken) ?? 0;
      taken.add(tone);
      return [name, tone];
    }),
  );
}

const nameOfSeries = ({ names }: Pick<AnswerSeries, 'names'>): string => names.map(String).join('\n');

const byHash = (a: string, b: string): number => hashOf(a) - hashOf(b) || (a < b ? -1 : 1);

/** What a user's answers can be about, whatever their range: keys by id, from the oldest; names of models. */
export interface Names {
  key: readonly number[];
  model: readonly string[];
}

/** The colours of an answer's series, in their order: grey for the rest of all, and for spend of which no name is known. */
export type Palette = (answer: Pick<Answer, 'dimensions'> & { series: readonly Pick<AnswerSeries, 'names' | 'isOther'>[] }) => Tone[];

/** The user's colours. */
export function createPalette({ key, model }: Names): Palette {
  const known: Record<Dimension, Map<string, number>> = {
    // A key that is added takes nobody's colour.
    key: assign(key.map(String)),
    model: assign([...new Set(model)].sort(byHash)),
    provider: new Map(),
  };
  return ({ dimensions: [dimension = 'key', second], series }) => {
    const own = second === undefined ? known[dimension] : new Map<string, number>();
    const named = series.filter(({ names, isOther }) => !isOther && names.some((name) => name !== null)).map(nameOfSeries);
    const places = new Map([...own.keys()].map((name, place) => [name, place]));
    const placeOf = (name: string): number => places.get(name) ?? places.size;
    const [tones, taken] = [new Map<string, number>(), new Set<number>()];
    for (const name of named.sort((a, b) => placeOf(a) - placeOf(b) || byHash(a, b))) {
      const wanted = own.get(name);
      const tone = (wanted === undefined || taken.has(wanted) ? freeTone(name, taken) : wanted) ?? hashOf(name) % COLOURS;
      tones.set(name, tone);
      taken.add(tone);
    }
    return series.map((one) => (one.isOther ? 'other' : (tones.get(nameOfSeries(one)) ?? 'unknown')));
  };
}
