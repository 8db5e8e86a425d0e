import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerReader } from './answer-reader.ts';
import { renderAnswer } from './bench-requests.ts';

const GOOD = renderAnswer(130);

test('takes an answer in one piece', () => {
  assert.equal(new AnswerReader(130).push(GOOD, GOOD.length), 'complete');
});

test('takes an answer at any split', () => {
  for (let at = 1; at < GOOD.length; at++) {
    const reader = new AnswerReader(130);
    assert.equal(reader.push(GOOD, at), 'more', `the first ${at} bytes`);
    assert.equal(reader.push(GOOD.subarray(at), GOOD.length - at), 'complete', `split at ${at}`);
  }
});

const WRONG: [string, string, RegExp][] = [
  ['another status', GOOD.toString().replace('200 OK', '503 Sorry'), /status line "HTTP\/1.1 503 Sorry"/],
  ['another length', renderAnswer(131).toString(), /length 131 instead of 130/],
  ['no length', GOOD.toString().replace(/Content-Length: \d+\r\n/, ''), /no content-length/],
  ['more than the answer', `${GOOD}H`, /bytes after the answer/],
  ['a head without an end', 'HTTP/1.1 200 OK\r\n'.padEnd(8192, 'x'), /no end of the head/],
];
for (const [what, bytes, reason] of WRONG) {
  test(`says what is wrong with ${what}`, () => {
    const reader = new AnswerReader(130);
    let result = reader.push(Buffer.from(bytes), bytes.length);
    if (result === 'more') result = reader.push(Buffer.from(bytes), bytes.length);
    assert.ok(typeof result === 'object');
    assert.match(result.wrong, reason);
  });
}

test('notices that the proxy closes after the answer', () => {
  const reader = new AnswerReader(130);
  const closing = Buffer.from(GOOD.toString().replace('Date:', 'connection: close\r\nDate:'));
  assert.equal(reader.push(closing, closing.length), 'complete');
  assert.equal(reader.closes, true);
});
