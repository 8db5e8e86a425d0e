import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { AnswerCache, type KeptAnswer } from '../../../sidecar/policy/answer-cache.ts';

const NOW = 1_000_000;
const FOREVER = Number.POSITIVE_INFINITY;

function anAnswer(body: string, values: Partial<KeptAnswer> = {}): KeptAnswer {
  return { status: 200, reason: 'OK', fields: [], body, bornAt: NOW, usableFor: FOREVER, ...values };
}

let cache: AnswerCache;
beforeEach(() => {
  cache = new AnswerCache({ size: 1_000_000, entries: 100 });
});

const asked = (target: string, fields: string[] = [], authority = 'svc') => ({ target, authority, fields });
const bodyOf = (target: string, fields: string[] = [], now = NOW) =>
  cache.get(asked(target, fields), 60_000, now)?.body ?? null;

describe('what is found', () => {
  test('the last answer to the same URL, and no other', () => {
    cache.put(asked('a'), [], anAnswer('old'));
    cache.put(asked('a'), [], anAnswer('new'));
    assert.deepEqual([bodyOf('a'), bodyOf('b'), cache.count], ['new', null, 1]);
  });

  test('the one for the same values of the fields that it depends on, whatever the case of their names', () => {
    const german = ['Accept-Language', 'de', 'x-other', '1'];
    cache.put(asked('a', german), ['accept-language'], anAnswer('hallo'));
    cache.put(asked('a', ['accept-language', 'en']), ['accept-language'], anAnswer('hello'));
    assert.equal(bodyOf('a', ['x-other', '2', 'ACCEPT-LANGUAGE', 'de']), 'hallo');
    assert.equal(bodyOf('a', ['accept-language', 'en']), 'hello');
    assert.equal(bodyOf('a', ['accept-language', 'fr']), null);
    assert.equal(bodyOf('a'), null);
  });

  test('an absent field is another value than an empty one, and two fields another than one', () => {
    cache.put(asked('a', ['x', '']), ['x'], anAnswer('empty'));
    cache.put(asked('a', ['x', '1', 'x', '2']), ['x'], anAnswer('two'));
    assert.deepEqual([bodyOf('a'), bodyOf('a', ['x', '1']), bodyOf('a', ['x', ''])], [null, null, 'empty']);
    assert.equal(bodyOf('a', ['x', '1', 'x', '2']), 'two');
  });

  test('by each name of the upstream its own, whatever its case; what is forgotten is so by all names', () => {
    cache.put(asked('a', [], 'svc'), [], anAnswer('short'));
    cache.put(asked('a', [], 'svc.mesh'), [], anAnswer('long'));
    const by = (authority: string) => cache.get(asked('a', [], authority), 60_000, NOW)?.body ?? null;
    assert.deepEqual([by('Svc'), by('svc.mesh'), by('svc:80')], ['short', 'long', null]);
    cache.forget('a');
    assert.deepEqual([by('svc'), by('svc.mesh'), cache.size], [null, null, 0]);
  });

  test('nothing older than may be, by the policy or by what it says itself', () => {
    cache.put(asked('a'), [], anAnswer('a'));
    assert.equal(bodyOf('a', [], NOW + 60_000), 'a');
    assert.equal(bodyOf('a', [], NOW + 60_001), null);
    cache.put(asked('b'), [], anAnswer('b', { usableFor: 5_000 }));
    assert.equal(bodyOf('b', [], NOW + 5_000), 'b');
    assert.equal(bodyOf('b', [], NOW + 5_001), null);
    assert.deepEqual([cache.count, cache.size], [0, 0]);
  });

  test('nothing that depended on other fields before', () => {
    cache.put(asked('a', ['x', '1']), ['x'], anAnswer('one'));
    cache.put(asked('a', ['y', '1']), ['y'], anAnswer('other'));
    assert.deepEqual([bodyOf('a', ['x', '1']), bodyOf('a', ['y', '1']), cache.count], [null, 'other', 1]);
  });

  test('nothing that was forgotten', () => {
    cache.put(asked('a', ['x', '1']), ['x'], anAnswer('one'));
    cache.put(asked('a', ['x', '2']), ['x'], anAnswer('two'));
    cache.put(asked('b'), [], anAnswer('b'));
    cache.forget('a');
    assert.deepEqual([bodyOf('a', ['x', '1']), bodyOf('a', ['x', '2']), bodyOf('b')], [null, null, 'b']);
  });
});

describe('how much is kept', () => {
  test('so many answers: what was used longest ago goes', () => {
    cache.configure({ size: 1_000_000, entries: 2 });
    cache.put(asked('a'), [], anAnswer('a'));
    cache.put(asked('b'), [], anAnswer('b'));
    assert.equal(bodyOf('a'), 'a');
    cache.put(asked('c'), [], anAnswer('c'));
    assert.deepEqual([bodyOf('a'), bodyOf('b'), bodyOf('c')], ['a', null, 'c']);
  });

  test('so many characters, with keys, fields and a surcharge', () => {
    cache.configure({ size: 3_000, entries: 100 });
    cache.put(asked('a'.repeat(100)), [], anAnswer('x'.repeat(1_000), { fields: ['name', 'value'] }));
    assert.equal(cache.size, 512 + 'svc '.length + 100 + 2 + 1_000 + 9);
    cache.put(asked('b'), [], anAnswer('x'.repeat(1_000)));
    assert.equal(cache.count, 1);
    cache.put(asked('c'), [], anAnswer('x'.repeat(3_000)));
    assert.deepEqual([cache.count, cache.size], [0, 0]);
  });

  test('less, from when less is permitted', () => {
    for (const name of ['a', 'b', 'c']) cache.put(asked(name), [], anAnswer(name));
    cache.configure({ size: 1_000_000, entries: 1 });
    assert.deepEqual([bodyOf('a'), bodyOf('b'), bodyOf('c')], [null, null, 'c']);
  });
});

test('whatever is kept: the bounds hold, and nothing is found that was not kept for just that request', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const fields = fc.array(fc.tuple(fc.constantFrom('x', 'y'), fc.constantFrom('', '1', '2')), {
    maxLength: 3,
  });
  const vary = fc.constantFrom<string[]>([], ['x'], ['x', 'y']);
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('put' as const), name, fields, vary, length: fc.nat(900) }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('get' as const), name, fields }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), name }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(40) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (steps, entries) => {
      const tested = new AnswerCache({ size: 4_000, entries });
      /** All that was ever kept, last first; what makes no room is still in it. */
      let model: { name: string; vary: string[]; key: string; answer: KeptAnswer }[] = [];
      const keyOf = (flat: string[], names: string[]) =>
        JSON.stringify(
          names.map(one => flat.flatMap((text, i) => (i % 2 === 1 && flat[i - 1] === one ? text : []))),
        );
      let now = 0;
      let unique = 0;
      for (const one of steps) {
        if (one.do === 'put') {
          const flat = one.fields.flat();
          const answer = anAnswer(`${++unique} ${'x'.repeat(one.length)}`, { bornAt: now });
          const key = keyOf(flat, one.vary);
          tested.put(asked(one.name, flat), one.vary, answer);
          model = model.filter(
            kept => kept.name !== one.name || (kept.vary.join() === one.vary.join() && kept.key !== key),
          );
          model.unshift({ name: one.name, vary: one.vary, key, answer });
        } else if (one.do === 'get') {
          const flat = one.fields.flat();
          const found = tested.get(asked(one.name, flat), 50, now);
          if (found !== null) {
            const kept = model.find(
              other => other.name === one.name && other.key === keyOf(flat, other.vary),
            );
            assert.equal(found, kept?.answer);
            assert.ok(now - found.bornAt <= 50);
          }
        } else if (one.do === 'forget') {
          tested.forget(one.name);
          model = model.filter(({ name: kept }) => kept !== one.name);
        } else {
          now += one.ms;
        }
        assert.ok(tested.count <= entries && tested.count <= model.length);
        assert.ok(tested.size <= 4_000 && tested.size >= tested.count * 512);
        assert.equal(tested.size === 0, tested.count === 0);
      }
    }),
  );
});

test('nothing of the requests is kept alive but what keys are made of', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 100; i++) {
    const head = `${i}`.padEnd(100_000, 'a name, or a value, that is rather long ');
    cache.put(asked(head.slice(0, 40), ['x', head.slice(50, 90)]), ['x'], anAnswer('x'));
  }
  collect();
  const grown = process.memoryUsage().heapUsed - before;
  assert.equal(cache.count, 100);
  assert.ok(grown < 2_000_000, `${grown} bytes`);
});
