import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CHUNKED,
  hasNoBody,
  parseContentLength,
  requestFraming,
  responseFraming,
  UNTIL_CLOSE,
} from '../../../sidecar/http1/framing.ts';
import { accepted, parseFields, refused, shown } from './heads.ts';

const fields = (...lines: string[]) => accepted(parseFields(lines.map(line => `${line}\r\n`).join('')));
const ofRequest = (...lines: string[]) => requestFraming(fields(...lines), 1);
const ofAnswer = (status: number, method: string, ...lines: string[]) =>
  responseFraming(fields(...lines), 1, status, method);

describe('framing that either side accepts', () => {
  const good: [line: string, framing: number][] = [
    ['Content-Length: 0', 0],
    ['Content-Length: 5', 5],
    ['Content-Length: 005', 5],
    ['Content-Length: \t 5 \t', 5],
    ['Content-Length: 999999999999999', 999_999_999_999_999],
    ['Transfer-Encoding: chunked', CHUNKED],
    ['transfer-encoding: CHUNKED', CHUNKED],
    ['Transfer-Encoding:chunked', CHUNKED],
    ['Transfer-Encoding: \tchunked\t ', CHUNKED],
  ];
  for (const [line, framing] of good) {
    test(`${shown(line)} (RFC 9112 6.3)`, () => {
      assert.equal(ofRequest(line), framing);
      assert.equal(ofAnswer(200, 'GET', line), framing);
    });
  }
});

/** Each is refused in a request, and in an answer whatever its status and method: the next hop might read it otherwise. */
describe('framing that neither side accepts', () => {
  const bad: [rule: string, lines: string[], status?: number][] = [
    ['RFC 9112 6.3 rule 5: repeated', ['Content-Length: 5', 'Content-Length: 5']],
    ['RFC 9112 6.3 rule 5: conflicting', ['Content-Length: 5', 'Content-Length: 6']],
    ['RFC 9112 6.3 rule 5: repeated in another case', ['Content-Length: 0', 'CONTENT-LENGTH: 0']],
    [
      'RFC 9112 6.3 rule 5: repeated, fields of another message between',
      ['Content-Length: 5', 'Host: a', 'Host: a', 'Content-Length: 6'],
    ],
    [
      'RFC 9112 6.3 rule 5: repeated, Host repeated after it',
      ['Content-Length: 5', 'Content-Length: 6', 'Host: a', 'Host: a'],
    ],
    ['RFC 9110 8.6: a list', ['Content-Length: 5, 5']],
    ['RFC 9110 8.6: a list that ends empty', ['Content-Length: 5,']],
    ['RFC 9110 8.6: empty', ['Content-Length:']],
    ['RFC 9110 8.6: white space', ['Content-Length: \t']],
    ['RFC 9110 8.6: a sign', ['Content-Length: +5']],
    ['RFC 9110 8.6: negative', ['Content-Length: -5']],
    ['RFC 9110 8.6: negative zero', ['Content-Length: -0']],
    ['RFC 9110 8.6: hexadecimal', ['Content-Length: 0x5']],
    ['RFC 9110 8.6: hexadecimal digits', ['Content-Length: a']],
    ['RFC 9110 8.6: an exponent', ['Content-Length: 1e1']],
    ['RFC 9110 8.6: a fraction', ['Content-Length: 5.0']],
    ['RFC 9110 8.6: a group', ['Content-Length: 1_000']],
    ['RFC 9110 8.6: white space within', ['Content-Length: 5 5']],
    ['RFC 9110 8.6: a quoted number', ['Content-Length: "5"']],
    ['RFC 9110 8.6: a parameter', ['Content-Length: 5;a']],
    ['RFC 9110 8.6: NBSP before', ['Content-Length: \xa05']],
    ['RFC 9110 8.6: NEL after', ['Content-Length: 5\x85']],
    ['RFC 9110 8.6: a superscript digit', ['Content-Length: \xb2']],
    ['RFC 9110 8.6: beyond 2^53', ['Content-Length: 9007199254740993']],
    ['RFC 9110 8.6: beyond 2^64', ['Content-Length: 18446744073709551621']],
    ['RFC 9110 8.6: infinite', ['Content-Length: Infinity']],
    ['RFC 9112 6.1: both', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['RFC 9112 6.1: both, the other way round', ['Transfer-Encoding: chunked', 'Content-Length: 5']],
    ['RFC 9112 6.1: both, the length 0', ['Transfer-Encoding: chunked', 'Content-Length: 0']],
    ['RFC 9112 6.1: both, the length malformed', ['Transfer-Encoding: chunked', 'Content-Length: x']],
    ['RFC 9112 6.1: both, the coding malformed', ['Transfer-Encoding: x y', 'Content-Length: 5']],
    ['RFC 9112 6.1: both, the coding empty', ['Transfer-Encoding:', 'Content-Length: 5']],
    ['RFC 9112 6.1: chunked twice', ['Transfer-Encoding: chunked, chunked']],
    ['RFC 9112 6.1: chunked twice, two lines', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
    ['RFC 9112 6.3 rule 4: not chunked', ['Transfer-Encoding: gzip']],
    ['RFC 9112 6.3 rule 4: identity', ['Transfer-Encoding: identity']],
    ['RFC 9112 6.3 rule 4: chunked not last', ['Transfer-Encoding: chunked, gzip']],
    [
      'RFC 9112 6.3 rule 4: chunked not last, two lines',
      ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
    ],
    ['RFC 9112 6.3 rule 4: empty', ['Transfer-Encoding:']],
    ['RFC 9112 6.3 rule 4: only commas', ['Transfer-Encoding: ,']],
    ['RFC 9112 7: an empty item before', ['Transfer-Encoding: ,chunked']],
    ['RFC 9112 7: an empty item after', ['Transfer-Encoding: chunked,']],
    ['RFC 9112 7: an empty line before', ['Transfer-Encoding:', 'Transfer-Encoding: chunked']],
    ['RFC 9112 7.1: a parameter', ['Transfer-Encoding: chunked;a=b']],
    ['RFC 9112 7: quoted', ['Transfer-Encoding: "chunked"']],
    ['RFC 9112 7: in single quotes', ["Transfer-Encoding: 'chunked'"]],
    ['RFC 9112 7: another word', ['Transfer-Encoding: xchunked']],
    ['RFC 9112 7: another word, after it', ['Transfer-Encoding: chunkedx']],
    ['RFC 9112 7: two words', ['Transfer-Encoding: chunked chunked']],
    ['RFC 9112 7: two words, one tab', ['Transfer-Encoding: x\tchunked']],
    ['RFC 9112 7: NBSP before', ['Transfer-Encoding: \xa0chunked']],
    ['RFC 9112 7: NBSP after', ['Transfer-Encoding: chunked\xa0']],
    ['RFC 9112 7: NEL before', ['Transfer-Encoding: \x85chunked']],
    ['RFC 9112 7: a byte order mark', ['Transfer-Encoding: \xef\xbb\xbfchunked']],
    ['RFC 9112 7: a colon', ['Transfer-Encoding:: chunked']],
    ['RFC 9112 6.1: an unknown coding before', ['Transfer-Encoding: gzip, chunked'], 501],
    [
      'RFC 9112 6.1: an unknown coding before, two lines',
      ['Transfer-Encoding: x', 'Transfer-Encoding: chunked'],
      501,
    ],
    ['RFC 9112 6.1: identity before', ['Transfer-Encoding: identity, chunked'], 501],
  ];
  for (const [rule, lines, status = 400] of bad) {
    test(`${rule}: ${shown(lines.join(' / '))}`, () => {
      refused(ofRequest(...lines), status);
      for (const answerStatus of [100, 200, 204, 304, 500]) {
        refused(ofAnswer(answerStatus, 'GET', ...lines), status);
        refused(ofAnswer(answerStatus, 'HEAD', ...lines), status);
      }
    });
  }

  test('RFC 9112 6.1: a Transfer-Encoding in HTTP/1.0', () => {
    refused(requestFraming(fields('Transfer-Encoding: chunked'), 0));
    refused(responseFraming(fields('Transfer-Encoding: chunked'), 0, 200, 'GET'));
  });
});

test('RFC 9112 6.3 rule 7: a request without either has no body', () => {
  assert.equal(ofRequest('Host: a'), 0);
  assert.equal(requestFraming(fields(), 0), 0);
});

describe('the framing of an answer', () => {
  const cases: [rule: string, status: number, method: string, lines: string[], framing: number][] = [
    ['RFC 9112 6.3 rule 1: HEAD', 200, 'HEAD', ['Content-Length: 5'], 0],
    ['RFC 9112 6.3 rule 1: HEAD, chunked', 200, 'HEAD', ['Transfer-Encoding: chunked'], 0],
    ['RFC 9112 6.3 rule 1: HEAD, neither', 200, 'HEAD', [], 0],
    ['RFC 9112 6.3 rule 1: HEAD, an error', 500, 'HEAD', ['Content-Length: 5'], 0],
    ['RFC 9112 6.3 rule 1: 100', 100, 'POST', ['Content-Length: 5'], 0],
    ['RFC 9112 6.3 rule 1: 103', 103, 'GET', ['Transfer-Encoding: chunked'], 0],
    ['RFC 9112 6.3 rule 1: 204', 204, 'GET', ['Content-Length: 5'], 0],
    ['RFC 9112 6.3 rule 1: 204, chunked', 204, 'GET', ['Transfer-Encoding: chunked'], 0],
    ['RFC 9112 6.3 rule 1: 304', 304, 'GET', ['Content-Length: 5'], 0],
    ['RFC 9112 6.3 rule 1: 304, neither', 304, 'GET', [], 0],
    ['RFC 9110 15.3.6: 205 is framed as any other', 205, 'GET', ['Content-Length: 0'], 0],
    ['RFC 9112 6.3 rule 2: 200 to CONNECT', 200, 'CONNECT', ['Content-Length: 5'], UNTIL_CLOSE],
    ['RFC 9112 6.3 rule 2: 299 to CONNECT', 299, 'CONNECT', ['Transfer-Encoding: chunked'], UNTIL_CLOSE],
    ['RFC 9112 6.3 rule 2: 204 to CONNECT', 204, 'CONNECT', [], UNTIL_CLOSE],
    [
      'RFC 9112 6.3 rule 2: both, to CONNECT',
      200,
      'CONNECT',
      ['Content-Length: 5', 'Transfer-Encoding: chunked'],
      UNTIL_CLOSE,
    ],
    ['RFC 9112 6.3: 403 to CONNECT is framed as any other', 403, 'CONNECT', ['Content-Length: 5'], 5],
    ['RFC 9112 6.3 rule 4: chunked', 200, 'POST', ['Transfer-Encoding: chunked'], CHUNKED],
    ['RFC 9112 6.3 rule 6: a length', 404, 'GET', ['Content-Length: 5'], 5],
    ['RFC 9112 6.3 rule 8: neither', 200, 'GET', [], UNTIL_CLOSE],
    ['RFC 9112 6.3 rule 8: neither, an error', 503, 'POST', [], UNTIL_CLOSE],
    ['RFC 9110 9.1: methods have a case', 200, 'head', ['Content-Length: 5'], 5],
  ];
  for (const [rule, status, method, lines, framing] of cases) {
    test(`${rule}: ${status} to ${method}, ${lines.join(' / ') || 'no framing field'}`, () =>
      assert.equal(ofAnswer(status, method, ...lines), framing));
  }

  test('an HTTP/1.0 one with a length, or until the end', () => {
    assert.equal(responseFraming(fields('Content-Length: 5'), 0, 200, 'GET'), 5);
    assert.equal(responseFraming(fields(), 0, 200, 'GET'), UNTIL_CLOSE);
  });

  test('hasNoBody looks at status and method alone', () => {
    const without = [100, 101, 103, 199, 204, 304];
    for (let status = 100; status < 600; status++) {
      assert.equal(hasNoBody(status, 'GET'), status < 200 || without.includes(status));
      assert.equal(hasNoBody(status, 'HEAD'), true);
    }
  });
});

test('parseContentLength takes every number it can hold exactly', () => {
  for (const length of [0, 1, 9, 10, 65_536, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 999_999_999_999_999]) {
    assert.equal(parseContentLength(String(length)), length);
  }
  assert.equal(parseContentLength('1000000000000000'), -1);
});
