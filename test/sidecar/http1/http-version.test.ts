import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseVersion } from '../../../sidecar/http1/http-version.ts';
import { refused, shown } from './heads.ts';

const version = (text: string) => parseVersion(Buffer.from(`>${text}\r\n\r\n`, 'latin1'), 1);

describe('versions (RFC 9112 section 2.3)', () => {
  test('HTTP/1.0 and HTTP/1.1 are spoken', () => {
    assert.equal(version('HTTP/1.0'), 0);
    assert.equal(version('HTTP/1.1'), 1);
  });

  test('a later minor version is treated as 1.1 (RFC 9110 section 2.5)', () => {
    assert.equal(version('HTTP/1.2'), 1);
    assert.equal(version('HTTP/1.9'), 1);
  });

  for (const text of ['HTTP/2.0', 'HTTP/0.9', 'HTTP/3.1', 'HTTP/9.9']) {
    test(`${text} is answered with 505`, () => {
      assert.match(refused(version(text), 505).detail, new RegExp(text.slice(5)));
    });
  }

  const malformed = [
    'http/1.1',
    'Http/1.1',
    'HTTP/1',
    'HTTP/1.',
    'HTTP/.1',
    'HTTP/',
    'HTTP',
    '',
    'HTTP/x.1',
    'HTTP/1.x',
    'HTTP/1,1',
    'HTTP/11',
    'HTTP/10.1',
    'HTTP /1.1',
    'HTTP/ 1.1',
    'HTTP/-1.1',
    'HTTP/1.\xb9',
    'HTTPS/1.1',
    'ICY/1.1',
    '\xa0HTTP/1.1',
  ];
  for (const text of malformed) {
    test(`${shown(text)} is refused`, () => {
      refused(version(text));
    });
  }

  test('is not looked for behind the end of the bytes', () => {
    for (let length = 0; length < 8; length++) {
      refused(parseVersion(Buffer.from('HTTP/1.1'.slice(0, length)), 0));
    }
  });
});
