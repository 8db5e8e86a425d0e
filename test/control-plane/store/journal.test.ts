import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type Commit,
  checkOf,
  encodeCommit,
  encodeHeader,
  readJournal,
} from '../../../control-plane/store/journal.ts';
import { serviceRecord } from './records.ts';

function commit(storeRevision: number): Commit {
  return { storeRevision, starts: 1, revisionCeiling: 10, records: [serviceRecord(`s${storeRevision}`)] };
}

/** A journal of so many commits, by lines. */
function linesOf(count: number): Buffer[] {
  let { line, check } = encodeHeader();
  const lines = [line];
  for (let revision = 1; revision <= count; revision++) {
    ({ line, check } = encodeCommit(check, commit(revision)));
    lines.push(line);
  }
  return lines;
}

describe('a journal', () => {
  test('is read as it was written', () => {
    const bytes = Buffer.concat(linesOf(3));
    const journal = readJournal(bytes);
    assert.ok(journal.kind === 'whole');
    assert.deepEqual(journal.commits, [commit(1), commit(2), commit(3)]);
    assert.equal(journal.length, bytes.length);
  });

  test('that was cut off within its last commit is whole up to there', () => {
    const lines = linesOf(3);
    const length = Buffer.concat(lines.slice(0, 3)).length;
    for (let kept = 1; kept < lines[3].length; kept++) {
      const journal = readJournal(Buffer.concat([...lines.slice(0, 3), lines[3].subarray(0, kept)]));
      assert.ok(journal.kind === 'whole' && journal.commits.length === 2 && journal.length === length);
    }
  });

  test('of which the last commit reached the disk only in part is whole up to there', () => {
    const lines = linesOf(2);
    const torn = Buffer.from(lines[2]);
    torn.fill(0, 20, 40);
    const journal = readJournal(Buffer.concat([lines[0], lines[1], torn]));
    assert.ok(journal.kind === 'whole' && journal.commits.length === 1);
  });

  test('with anything else changed, lost, repeated or moved is damaged', () => {
    const [header, one, two, three, four] = linesOf(4);
    const orders: Record<string, Buffer[]> = {
      lost: [header, one, three, four],
      'lost in front': [header, two, three],
      repeated: [header, one, one, two, three],
      moved: [header, two, one, three],
      'without a header': [one, two, three],
      'of something else': [Buffer.from('a text file\nof two lines\n')],
      'of one line of something else': [Buffer.from('a text file')],
      empty: [],
      'a torn header': [header.subarray(0, 10)],
    };
    for (const [name, lines] of Object.entries(orders)) {
      assert.equal(readJournal(Buffer.concat(lines)).kind, 'damaged', name);
    }
  });

  test('with any byte of it changed is never taken for what it was', () => {
    const bytes = Buffer.concat(linesOf(4));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const other = Buffer.from(bytes);
        other[at] ^= change;
        const journal = readJournal(other);
        assert.ok(journal.kind === 'damaged' || (journal.kind === 'whole' && journal.length < bytes.length));
      }),
      { numRuns: 2000 },
    );
  });

  test('of which the last commit is complete, but not what was written, is damaged', () => {
    const lines = linesOf(3);
    const before = Buffer.concat(lines.slice(0, 3));
    for (let at = 0; at < lines[3].length - 1; at++) {
      const last = Buffer.from(lines[3]);
      last[at] = last[at] === 0x30 ? 0x31 : 0x30;
      assert.equal(readJournal(Buffer.concat([before, last])).kind, 'damaged', `byte ${at}`);
    }
  });

  test('of a later form is not read', () => {
    const text = '{"outrider":"registry","format":2}';
    const { line } = encodeHeader();
    const format = line.toString().slice(17).trimEnd();
    assert.equal(format, '{"outrider":"registry","format":1}');
    const check = checkOf('', text);
    assert.deepEqual(readJournal(Buffer.from(`${check} ${text}\n`)), { kind: 'newer', format: 2 });
  });
});
