import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeptBytes } from '../../../sidecar/io/kept-bytes.ts';
import { giveBack, lend } from '../../../sidecar/io/shared-buffers.ts';

const BLOCK = 16 * 1024;

function keep(text: string): KeptBytes {
  const kept = new KeptBytes();
  kept.append(Buffer.from(text));
  return kept;
}

test('gives back what was appended, whatever its pieces, however often it is asked', () => {
  const length = fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom(BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK),
  );
  fc.assert(
    fc.property(fc.array(fc.array(length, { maxLength: 5 }), { maxLength: 4 }), bodies => {
      // All at once, so that one that took another's memory would show, and each behind others that have given theirs back.
      const keepers = bodies.map(() => new KeptBytes());
      const expected = bodies.map((lengths, i) =>
        lengths.map((n, j) => Buffer.alloc(n, `${i}${j}`)).flatMap(chunk => [...chunk]),
      );
      for (const [i, lengths] of bodies.entries())
        for (const [j, n] of lengths.entries()) keepers[i].append(Buffer.alloc(n, `${i}${j}`));
      for (const [i, keeper] of keepers.entries()) {
        assert.equal(keeper.length, expected[i].length);
        for (let time = 0; time < 2; time++)
          assert.ok(Buffer.concat(keeper.pieces()).equals(Buffer.from(expected[i])));
      }
      for (const keeper of keepers) keeper.release();
      assert.deepEqual(
        keepers.map(keeper => [keeper.length, keeper.pieces().length]),
        keepers.map(() => [0, 0]),
      );
    }),
    { numRuns: 50 },
  );
});

test('keeps a copy: what was appended may change', () => {
  const chunk = Buffer.from('hello');
  const kept = new KeptBytes();
  kept.append(chunk);
  chunk.fill('x');
  assert.equal(Buffer.concat(kept.pieces()).toString(), 'hello');
  kept.release();
});

test('uses memory again that was given back, unless a write still reads from it', () => {
  const first = keep('first');
  const [{ buffer }] = first.pieces();
  first.release();
  const second = keep('second');
  const [piece] = second.pieces();
  assert.equal(piece.buffer, buffer);
  lend(piece);
  second.release();
  const third = keep('third');
  assert.notEqual(third.pieces()[0].buffer, buffer);
  assert.equal(piece.toString(), 'second');
  giveBack(piece);
  third.release();
});
