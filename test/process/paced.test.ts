import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Paced } from '../../process/paced.ts';

/** A making that takes 10 ms each by a clock that only it and its pauses move. */
function counting() {
  const state = { made: 0, now: 0, waited: [] as number[], fails: false };
  const make = async () => {
    state.now += 10;
    if (state.fails) throw new Error('broken');
    return ++state.made;
  };
  const wait = async (ms: number) => {
    state.waited.push(ms);
    state.now += ms;
  };
  return { state, paced: new Paced(make, () => state.now, wait) };
}

test('those who ask at once share one making', async () => {
  const { state, paced } = counting();
  assert.deepEqual(await Promise.all([paced.get(), paced.get(), paced.get()]), [1, 1, 1]);
  assert.deepEqual([state.made, state.waited], [1, []]);
});

test('who asks after it began gets the next one, after a pause', async () => {
  const { state, paced } = counting();
  assert.equal(await paced.get(), 1);
  assert.deepEqual(await Promise.all([paced.get(), paced.get()]), [2, 2]);
  assert.deepEqual(state.waited, [40]);
});

test('there is no pause where nobody asked for a while', async () => {
  const { state, paced } = counting();
  await paced.get();
  state.now += 100;
  assert.equal(await paced.get(), 2);
  assert.deepEqual(state.waited, []);
});

test('makings do not overlap', async () => {
  let begun = 0;
  const ends: (() => void)[] = [];
  const paced = new Paced(() => {
    begun++;
    return new Promise<void>(resolve => ends.push(resolve));
  });
  const first = paced.get();
  await new Promise(setImmediate);
  const second = paced.get();
  await new Promise(setImmediate);
  assert.equal(begun, 1);
  ends[0]();
  await first;
  while (ends.length < 2) await new Promise(setImmediate);
  ends[1]();
  await second;
  assert.equal(begun, 2);
});

test('one that fails is told to those who asked for it alone', async () => {
  const { state, paced } = counting();
  state.fails = true;
  await assert.rejects(paced.get(), /broken/);
  state.fails = false;
  assert.equal(await paced.get(), 1);
});
