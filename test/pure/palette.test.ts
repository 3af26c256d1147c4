import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnswerSeries } from '../../src/explore/answer.ts';
import { createPalette, type Palette } from '../../src/explore/palette.ts';
import type { Dimension } from '../../src/usage/model.ts';

type Name = AnswerSeries['names'][number];
const tonesOf = (palette: Palette, names: readonly Name[], dimension: Dimension = 'model') =>
  palette({ dimensions: [dimension], series: names.map((name) => ({ names: [name], isOther: false })) });

const modelArb = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 40 });

describe('colours', () => {
  it('are of a name, whatever its rank and whatever else is shown', () => {
    const manyArb = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 21 });
    fc.assert(
      fc.property(manyArb, fc.func(fc.nat()), fc.func(fc.boolean()), (models, rank, isShown) => {
        const palette = createPalette({ key: [], model: models });
        const colours = new Map(models.map((name, index) => [name, tonesOf(palette, models)[index]]));
        const shown = models.filter((name) => isShown(name)).sort((a, b) => rank(a) - rank(b));
        expect(tonesOf(palette, shown)).toEqual(shown.map((name) => colours.get(name)));
        const again = createPalette({ key: [], model: models.toReversed() });
        expect(tonesOf(again, shown)).toEqual(tonesOf(palette, shown));
      }),
    );
  });

  it('tell up to 21 names of an answer apart, however many there are', () => {
    fc.assert(
      fc.property(modelArb, fc.constantFrom<Dimension>('model', 'provider'), (models, dimension) => {
        const shown = models.slice(0, 21);
        for (const known of [models, shown, []]) {
          const tones = tonesOf(createPalette({ key: [], model: known }), shown, dimension);
          expect(new Set(tones).size).toBe(shown.length);
          expect(tones.every((tone) => typeof tone === 'number' && tone >= 0 && tone < 21)).toBe(true);
        }
        expect(tonesOf(createPalette({ key: [], model: models }), models)).toHaveLength(models.length);
      }),
    );
  });

  it('of keys stay when another key is added', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 20 }), (ids) => {
        const keys = ids.toSorted((a, b) => a - b);
        const [before, after] = [createPalette({ key: keys, model: [] }), createPalette({ key: [...keys, 1e10], model: [] })];
        expect(tonesOf(after, ids, 'key')).toEqual(tonesOf(before, ids, 'key'));
      }),
    );
  });

  it('are plain ones first, and grey for the rest and for what has no name', () => {
    const palette = createPalette({ key: [1, 2, 3, 4, 5, 6, 7], model: ['a'] });
    expect(tonesOf(palette, [1, 2, 3, 4, 5, 6, 7], 'key').toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const series = [
      { names: ['a'], isOther: false },
      { names: [null], isOther: false },
      { names: [], isOther: true },
    ];
    expect(palette({ dimensions: ['model'], series })).toEqual([expect.any(Number), 'unknown', 'other']);
    const pairs = [
      { names: ['a', 1], isOther: false },
      { names: [null, 1], isOther: false },
      { names: [null, null], isOther: false },
    ];
    const tones = palette({ dimensions: ['model', 'key'], series: pairs });
    expect([new Set(tones).size, tones[2]]).toEqual([3, 'unknown']);
    expect(palette({ dimensions: ['model', 'key'], series: pairs.toReversed() })).toEqual(tones.toReversed());
  });
});
