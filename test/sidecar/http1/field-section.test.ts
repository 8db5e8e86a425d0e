import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accepted, parseFields, refused, shown } from './heads.ts';

const section = (text: string) => accepted(parseFields(text));

describe('field lines (RFC 9112 section 5)', () => {
  const values: [line: string, value: string][] = [
    ['A: b', 'b'],
    ['A:b', 'b'],
    ['A:', ''],
    ['A: ', ''],
    ['A: \t \t', ''],
    ['A:\tb\t', 'b'],
    ['A:  b  c  ', 'b  c'],
    ['A: b\tc', 'b\tc'],
    ['A: b: c', 'b: c'],
    ['A: "b, c"', '"b, c"'],
    ['A: \x21\x7e', '\x21\x7e'],
  ];
  for (const [line, value] of values) {
    test(`${JSON.stringify(line)} has the value ${JSON.stringify(value)} (5.1)`, () =>
      assert.deepEqual(section(`${line}\r\n`).fields, ['A', value]));
  }

  test('obs-text stays byte for byte, and is no white space (RFC 9110 section 5.5)', () => {
    assert.deepEqual(section('A: \xa0b\x85\r\nB:\xff\r\nC: \xc3\xbc\r\n').fields, [
      'A',
      '\xa0b\x85',
      'B',
      '\xff',
      'C',
      '\xc3\xbc',
    ]);
  });

  test('order, case and repetition of the fields are kept', () => {
    const fields = ['X-a', '1', 'x-A', '2', 'Accept', '*/*', 'X-a', '1'];
    assert.deepEqual(section('X-a: 1\r\nx-A: 2\r\nAccept: */*\r\nX-a: 1\r\n').fields, fields);
  });

  test('any token is a name', () => {
    const name = "!#$%&'*+-.^_`|~09azAZ";
    assert.deepEqual(section(`${name}: 1\r\n`).fields, [name, '1']);
  });

  test('no field at all', () => {
    assert.deepEqual(section('').fields, []);
  });

  const malformed: [why: string, text: string, detail: RegExp][] = [
    ['a space before the colon (5.1)', 'A : b\r\n', /white space before the colon/],
    ['a tab before the colon (5.1)', 'A\t: b\r\n', /white space before the colon/],
    ['an indented first line (2.2)', ' A: b\r\n', /folded/],
    ['obs-fold with a space (5.2)', 'A: b\r\n c\r\n', /folded/],
    ['obs-fold with a tab (5.2)', 'A: b\r\n\tc\r\n', /folded/],
    ['obs-fold of nothing (5.2)', 'A: b\r\n \r\n', /folded/],
    ['no name (5)', ': b\r\n', /without a name/],
    ['no colon (5)', 'A\r\n', /without a colon/],
    ['a bare LF after the value (2.2)', 'A: b\nC: d\r\n', /bare LF after the field A/],
    ['a bare LF after the name (2.2)', 'A\n: b\r\n', /without a colon/],
    ['a bare CR in the value (2.2)', 'A: b\rc\r\n', /bare CR in the field A/],
    ['a bare CR at the end of the value (2.2)', 'A: b\r\r\n', /bare CR in the field A/],
    ['a bare CR before the value (2.2)', 'A:\r b\r\n', /bare CR in the field A/],
    ['a bare CR in the name (2.2)', 'A\rB: c\r\n', /without a colon/],
    ['NUL in the value (RFC 9110 5.5)', 'A: b\x00c\r\n', /0x00 in the field A/],
    ['NUL in the name (RFC 9110 5.1)', 'A\x00: b\r\n', /0x00 in the name/],
    ['DEL in the value (RFC 9110 5.5)', 'A: \x7f\r\n', /0x7f in the field A/],
  ];
  for (const [why, text, detail] of malformed) {
    test(`refused: ${why}`, () => assert.match(refused(parseFields(text)).detail, detail));
  }

  test('control characters are refused everywhere (RFC 9110 section 5.5)', () => {
    for (const byte of [...Array(32).keys(), 0x7f]) {
      const control = String.fromCharCode(byte);
      if (control !== '\t') {
        refused(parseFields(`A: b${control}c\r\n`));
        refused(parseFields(`A:${control}\r\n`));
      }
      refused(parseFields(`A${control}: b\r\n`));
      refused(parseFields(`${control}A: b\r\n`));
    }
  });

  test('a name with a byte that is no tchar is refused (RFC 9110 section 5.1)', () => {
    for (const byte of '"(),/;<=>?@[\\]{}\x80\x85\xa0\xff') {
      assert.match(refused(parseFields(`A${byte}: b\r\n`)).detail, /in the name of a header field/);
      refused(parseFields(`${byte}A: b\r\n`));
      refused(parseFields(`Content-Length${byte}: 5\r\n`));
    }
  });
});

describe('the number of fields', () => {
  test('is bounded: one more is answered with 431', () => {
    assert.equal(accepted(parseFields('A: b\r\n'.repeat(3), 3)).fields.length, 6);
    assert.match(refused(parseFields('A: b\r\n'.repeat(4), 3), 431).detail, /more than 3/);
  });

  test('counts what is not passed on too', () => {
    refused(parseFields('Connection: x\r\n'.repeat(4), 3), 431);
  });
});

describe('fields of one connection (RFC 9110 section 7.6.1)', () => {
  const hopByHop = [
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'TE',
    'Transfer-Encoding',
    'Upgrade',
    'HTTP2-Settings',
    'Proxy-Authorization',
  ];
  for (const name of hopByHop) {
    test(`${name} is not passed on, in any case`, () => {
      const text = [name, name.toLowerCase(), name.toUpperCase()].map(n => `${n}: x\r\n`).join('');
      assert.deepEqual(section(`A: b\r\n${text}C: d\r\n`).fields, ['A', 'b', 'C', 'd']);
    });
  }

  test('names that only resemble them are', () => {
    const names = hopByHop.flatMap(name => [`${name}-`, `X${name}`, name.replace('-', '_').slice(0, -1)]);
    const expected = names.flatMap(name => [name, 'x']);
    assert.deepEqual(section(names.map(name => `${name}: x\r\n`).join('')).fields, expected);
  });

  test('names with the same low bits in other characters are', () => {
    // `|0x20` makes a lower-case letter of an upper-case one; nothing else may become one.
    for (const name of ['te', 'host', 'keep-alive', 'upgrade', 'connection', 'content-length', 'expect']) {
      for (let at = 0; at < name.length; at++) {
        for (const byte of [...Array(256).keys()]) {
          const other = name.slice(0, at) + String.fromCharCode(byte) + name.slice(at + 1);
          if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(other) || other.toLowerCase() === name) continue;
          const { fields, host, contentLength, connection, expect } = section(`${other}: x\r\n`);
          assert.deepEqual(fields, [other, 'x']);
          assert.deepEqual([host, contentLength, connection, expect], [null, null, null, null]);
        }
      }
    }
  });
});

describe('fields that are noted', () => {
  test('lines of one list field are one list (RFC 9110 section 5.3)', () => {
    const { transferEncoding, connection, upgrade, expect } = section(
      'Transfer-Encoding: a\r\nConnection: b\r\nUpgrade: c\r\nExpect: d\r\n' +
        'transfer-encoding: e\r\nCONNECTION: f\r\nupgrade: g\r\nEXPECT: h\r\n',
    );
    assert.deepEqual([transferEncoding, connection, upgrade, expect], ['a, e', 'b, f', 'c, g', 'd, h']);
  });

  test('an empty line of a list field still counts', () => {
    assert.equal(
      section('Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n').transferEncoding,
      ', chunked',
    );
  });

  test('a Date is noticed, and not what resembles one', () => {
    assert.equal(section('dAtE: x\r\n').hasDate, true);
    assert.equal(section('X-Date: x\r\nDat: x\r\nDates: x\r\n').hasDate, false);
  });

  const repeated: [text: string, repeated: string | null][] = [
    ['Host: a\r\nContent-Length: 1\r\n', null],
    ['Host: a\r\nHost: a\r\n', 'Host'],
    ['Host:\r\nHost: a\r\n', 'Host'],
    ['Content-Length: 1\r\ncontent-length: 1\r\n', 'Content-Length'],
    ['Host: a\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n', 'Content-Length'],
    ['Content-Length: 1\r\nContent-Length: 2\r\nHost: a\r\nHost: a\r\n', 'Content-Length'],
  ];
  for (const [text, expected] of repeated) {
    test(`${shown(text)} repeats ${expected ?? 'nothing'}`, () =>
      assert.equal(section(text).repeated, expected));
  }
});
