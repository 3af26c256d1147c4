/** Stable colors: the same name has the same one in every range and rank, shared only if there are too many. Pure. */
import type { Tone } from '../charts/model.ts';
import type { Dimension } from '../usage/model.ts';
import type { Answer, AnswerSeries } from './answer.ts';

const COLORS = 7;
const SHADES = 3;

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** The name's own color, else the next free one, plain ones first; null: none left. */
function freeTone(name: string, taken: ReadonlySet<number>): number | null {
  const own = hashOf(name) % COLORS;
  for (let shade = 0; shade < SHADES; shade++) {
    for (let step = 0; step < COLORS; step++) {
      const tone = shade * COLORS + ((own + step) % COLORS);
      if (!taken.has(tone)) return tone;
    }
  }
  return null;
}

/** Once all colors are taken they are used again. */
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

/** Keys by id, oldest first. */
export interface Names {
  key: readonly number[];
  model: readonly string[];
}

/** In the order of the series; gray for `Other` and for unknown names. */
export type Palette = (answer: Pick<Answer, 'dimensions'> & { series: readonly Pick<AnswerSeries, 'names' | 'isOther'>[] }) => Tone[];

export function createPalette({ key, model }: Names): Palette {
  const known: Record<Dimension, Map<string, number>> = {
    // In the order of their ids: a new key changes no color.
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
      const tone = (wanted === undefined || taken.has(wanted) ? freeTone(name, taken) : wanted) ?? hashOf(name) % COLORS;
      tones.set(name, tone);
      taken.add(tone);
    }
    return series.map((one) => (one.isOther ? 'other' : (tones.get(nameOfSeries(one)) ?? 'unknown')));
  };
}
