import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LineSplitter } from '../../../control-plane/contract/line-splitter.ts';

describe('LineSplitter', () => {
  test('gives the same lines wherever the bytes are cut', () => {
    const bytes = Buffer.from('one\n\nzwölf\n{"a":1}\nunfinished');
    for (let cut = 0; cut <= bytes.length; cut++) {
      const splitter = new LineSplitter(64);
      const lines = [splitter.push(bytes.subarray(0, cut)), splitter.push(bytes.subarray(cut))].flat();
      assert.deepEqual(lines, ['one', 'zwölf', '{"a":1}'], `cut at ${cut}`);
    }
  });

  test('copies what it keeps: the buffer may be used again', () => {
    const splitter = new LineSplitter(64);
    const buffer = Buffer.from('half');
    splitter.push(buffer);
    buffer.fill('x');
    assert.deepEqual(splitter.push(Buffer.from(' line\n')), ['half line']);
  });

  test('takes a line at the limit and refuses a longer one, whether its end has come or not', () => {
    assert.deepEqual(new LineSplitter(4).push(Buffer.from('four\n')), ['four']);
    assert.equal(new LineSplitter(4).push(Buffer.from('fives\n')), null);
    assert.equal(new LineSplitter(4).push(Buffer.from('fives')), null);
    const splitter = new LineSplitter(4);
    splitter.push(Buffer.from('thr'));
    assert.equal(splitter.push(Buffer.from('ee\n')), null);
  });
});
