import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FIELD_VALUE, HEX, isToken, listItems, TARGET, TOKEN } from '../../../sidecar/http1/characters.ts';

/** The bytes that a regular expression matches as latin1 characters. */
function bytesOf(pattern: RegExp): number[] {
  return [...Array(256).keys()].filter(byte => pattern.test(String.fromCharCode(byte)));
}

function membersOf(table: Uint8Array): number[] {
  return [...table.keys()].filter(byte => table[byte] === 1);
}

describe('character classes', () => {
  test('tchar (RFC 9110 section 5.6.2)', () => {
    assert.deepEqual(membersOf(TOKEN), bytesOf(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/));
  });

  test('field values: VCHAR, obs-text, SP and HTAB (RFC 9110 section 5.5)', () => {
    assert.deepEqual(membersOf(FIELD_VALUE), bytesOf(/[\t\x20-\x7e\x80-\xff]/));
  });

  test('request targets: printable ASCII without the fragment sign (RFC 9112 section 3.2)', () => {
    assert.deepEqual(membersOf(TARGET), bytesOf(/[\x21-\x22\x24-\x7e]/));
  });

  test('hexadecimal digits (RFC 9112 section 7.1)', () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = String.fromCharCode(byte);
      assert.equal(HEX[byte], /[0-9A-Fa-f]/.test(text) ? Number.parseInt(text, 16) : 255, `byte ${byte}`);
    }
  });
});

describe('isToken', () => {
  const cases: [text: string, isToken: boolean][] = [
    ['chunked', true],
    ["!#$%&'*+-.^_`|~09azAZ", true],
    ['', false],
    ['a b', false],
    ['a\tb', false],
    [' a', false],
    ['a;', false],
    ['"a"', false],
    ['a\x00', false],
    ['a\xa0', false],
    ['a\u212a', false],
  ];
  for (const [text, expected] of cases) {
    test(`${JSON.stringify(text)}: ${expected}`, () => assert.equal(isToken(text), expected));
  }
});

describe('listItems (RFC 9110 section 5.6.1)', () => {
  const cases: [list: string, items: string[]][] = [
    ['', ['']],
    ['a', ['a']],
    ['A, b ,\tC', ['a', 'b', 'c']],
    [' \t a \t ', ['a']],
    ['a,,b,', ['a', '', 'b', '']],
    ['a b', ['a b']],
    // White space elsewhere, plain bytes in a field value: a peer that does not trim them sees another word.
    ['\xa0a\xa0', ['\xa0a\xa0']],
    ['\x85a', ['\x85a']],
    ['a\x0b', ['a\x0b']],
    ['a\ufeff', ['a\ufeff']],
  ];
  for (const [list, items] of cases) {
    test(JSON.stringify(list), () => assert.deepEqual(listItems(list), items));
  }
});

test('a list with a long run of spaces within is read as it is', () => {
  const run = ' '.repeat(30_000);
  assert.deepEqual(listItems(`${run}a${run}b${run},\t c `), [`a${run}b`, 'c']);
});
