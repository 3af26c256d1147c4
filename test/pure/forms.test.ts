import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressesOfOthers } from '../../src/alerts/channels/model.ts';
import { RULE_TYPES } from '../../src/alerts/model.ts';
import { FORM_FIELDS, fieldsOfOthers, isAboutKeys, ruleFromForm, typedInto } from '../../src/alerts/rules/form-model.ts';
import { type Control, failureOf, reportFailure, shownOf } from '../../src/http/forms/form-failure.ts';

const DRAFT = { form: '/f', values: {} };
const controlOf = (name: string): Control => ({ id: `f-${name}`, name, label: name.toUpperCase() });
const CONTROLS = ['a', 'b', 'c'].map(controlOf);
const invalid = (...errors: [path: string, message: string][]) =>
  failureOf(DRAFT, { kind: 'invalid', detail: '', errors: errors.map(([path, message]) => ({ path, message })) });

describe('the report of a failure', () => {
  it('names fields in the order of the page, then what no field of the page is about', () => {
    expect(reportFailure(invalid(['z', '1'], ['c', '2'], ['a.0.x', '3'], ['a.1', '4'], ['', '5']), CONTROLS, 'f')).toEqual({
      fields: [
        { id: 'f-a', text: 'A: 3' },
        { id: 'f-c', text: 'C: 2' },
        { id: 'f-a', text: 'z: 1' },
        { id: 'f-a', text: '5' },
      ],
      above: ['z: 1', '5'],
      focus: 'f-a',
    });
  });

  it('takes a name that only begins like another for another one', () => {
    expect(reportFailure(invalid(['ab', '1'], ['b', '2']), CONTROLS, 'f')).toMatchObject({ focus: 'f-b', above: ['ab: 1'] });
  });

  it('focuses the form’s first control, or the form, where the whole is wrong, and the summary where neither is to be seen', () => {
    const whole = failureOf(DRAFT, { kind: 'conflict', detail: 'Is there already.' });
    for (const [controls, form, focus] of [
      [CONTROLS, 'f', 'f-a'],
      [[], 'f', 'f'],
      [CONTROLS, null, null],
      [[], null, null],
    ] as const)
      expect(reportFailure(whole, controls, form)).toEqual({ fields: [], above: ['Is there already.'], focus });
  });

  it('says everything that is wrong, once for each field', () => {
    const path = fc.constantFrom('a', 'b', 'c', 'd', 'a.0', 'b.x.1', '');
    fc.assert(
      fc.property(fc.uniqueArray(path, { minLength: 1 }), fc.subarray(CONTROLS), (paths, controls) => {
        const { fields, focus } = reportFailure(invalid(...paths.map((one) => [one, `(${one})`] as [string, string])), controls, 'f');
        const shown = new Set(controls.map(({ name }) => name));
        const wanted = new Set(paths.map((one) => (shown.has(one.split('.')[0] ?? '') ? one.split('.')[0] : one)));
        expect(fields.length).toBe(wanted.size);
        const wrong = controls.find(({ name }) => wanted.has(name));
        expect(focus).toBe(wrong?.id ?? controls[0]?.id ?? 'f');
      }),
    );
  });

  it('is at the field that would allow what is forbidden', () => {
    expect(failureOf(DRAFT, { kind: 'forbidden', detail: 'Say it.', path: 'b' })).toMatchObject({ errors: { b: 'Say it.' }, detail: null });
    expect(failureOf(DRAFT, { kind: 'forbidden', detail: 'No.' })).toMatchObject({ errors: {}, detail: 'No.' });
  });
});

describe('what is shown again', () => {
  it('is what is kept, and never a key', () => {
    const values = { name: 'x', url: 'secret', note: `sk-or-v1-${'0'.repeat(64)}` };
    expect(shownOf(values, ['name', 'note'])).toEqual({ name: 'x' });
    expect(shownOf(values, (name) => name !== 'url')).toEqual({ name: 'x' });
  });

  it('of a rule is handed on by every type that has not its field, but for the password and what stood there from the start', () => {
    for (const from of RULE_TYPES) {
      const initial = Object.fromEntries(FORM_FIELDS[from].map((field) => [field.name, field.initial]));
      expect(typedInto({ type: from, ...initial, act_from: 'now' })).toEqual({});
      const typed = Object.fromEntries(FORM_FIELDS[from].map(({ name }) => [name, 'typed']));
      expect(typedInto({ type: from, name: 'x', ...typed })).toEqual({ name: 'x', ...typed });
      for (const to of RULE_TYPES) {
        const present = [...(isAboutKeys(to) ? ['key_id'] : []), ...FORM_FIELDS[to].map(({ name }) => name)];
        const kept = new Set([...present, ...fieldsOfOthers(to)]);
        expect(Object.keys(typed).filter((name) => name !== 'password' && !kept.has(name))).toEqual([]);
        expect(fieldsOfOthers(to).filter((name) => present.includes(name) || name === 'password')).toEqual([]);
      }
    }
  });

  it('makes no rule another one', () => {
    for (const type of RULE_TYPES) {
      const own = Object.fromEntries(FORM_FIELDS[type].map(({ name, initial }) => [name, initial]));
      const fields = { ...own, type, ...(type === 'budget' && { amount_usd: '1' }), ...(isAboutKeys(type) && { key_id: '7' }) };
      const handedOn = Object.fromEntries(fieldsOfOthers(type).map((name) => [name, '5']));
      expect(ruleFromForm({ ...handedOn, ...fields })).toEqual(ruleFromForm(fields));
      expect(ruleFromForm(fields)).toHaveProperty('rule');
    }
  });

  it('of a channel are its addresses of other types that are no secret', () => {
    expect([addressesOfOthers('slack'), addressesOfOthers('email'), addressesOfOthers('telegram')]).toEqual([
      ['to', 'chat_id'],
      ['chat_id'],
      ['to'],
    ]);
  });
});
