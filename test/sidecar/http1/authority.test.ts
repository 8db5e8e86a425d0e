import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isAuthority, parseAuthority } from '../../../sidecar/http1/authority.ts';
import { shown } from './heads.ts';

describe('authorities (RFC 9110 section 7.2, RFC 3986 section 3.2)', () => {
  const good: [text: string, host: string, port: number | null][] = [
    ['inventory', 'inventory', null],
    ['inventory:8080', 'inventory', 8080],
    ['Inventory.Mesh:1', 'inventory.mesh', 1],
    ['order_service', 'order_service', null],
    ['a.b.', 'a.b.', null],
    ['up:', 'up', null],
    ['up:65535', 'up', 65535],
    ['up:00080', 'up', 80],
    ['127.0.0.1:9001', '127.0.0.1', 9001],
    ['[::1]', '::1', null],
    ['[::1]:80', '::1', 80],
    ['[2001:DB8::1]:443', '2001:db8::1', 443],
    ['[::ffff:127.0.0.1]', '::ffff:127.0.0.1', null],
    ['caf%C3%A9', 'caf%c3%a9', null],
    ["a-b.c_d~!$&'()*+;=e", "a-b.c_d~!$&'()*+;=e", null],
  ];
  for (const [text, host, port] of good) {
    test(`${text} is ${host} and ${port ?? 'no port'}`, () => {
      assert.deepEqual(parseAuthority(text), { host, port });
      assert.ok(isAuthority(text));
    });
  }

  const bad = [
    '',
    ' ',
    ':',
    ':80',
    'a b',
    ' a',
    'a ',
    'a\tb',
    'a,b',
    'a, b',
    'a/b',
    'a?b',
    'a#b',
    'a\\b',
    'a"b',
    'a<b>',
    'a|b',
    'a^b',
    'a`b',
    'a{b}',
    'user@a',
    '@a',
    'user:pw@a',
    'http://a',
    '//a',
    'a:0',
    'a:65536',
    'a:000080',
    'a:4294967376',
    'a:-1',
    'a:+80',
    'a: 80',
    'a:80 ',
    'a:8a',
    'a:0x50',
    'a:80:80',
    'a:b:80',
    '::1',
    '[]',
    '[::1',
    '::1]',
    '[::1]80',
    '[::1]:x',
    '[::1]a',
    'a[::1]',
    '[:::]',
    '[1.2.3.4]',
    '[::g]',
    '[1:2:3:4:5:6:7:8:9]',
    '[fe80::1%25eth0]',
    '[fe80::1%eth0]',
    '[v1.a]',
    '[up]',
    'a%',
    'a%2',
    'a%zz',
    'a%\x00',
    'a\x00',
    'a\x7f',
    'a\x0b',
    'a\r\nb',
    'a\n',
    '\xa0a',
    'a\x85',
    'a\xff',
    'a\u212a',
    'caf\xc3\xa9',
  ];
  for (const text of bad) {
    test(`${shown(text)} is none`, () => {
      assert.equal(parseAuthority(text), null);
      assert.equal(isAuthority(text), false);
    });
  }

  test('a long one takes no longer than its length', () => {
    const started = performance.now();
    for (const text of ['%41'.repeat(10_000), `${'a'.repeat(30_000)}/`, `${'%4'.repeat(15_000)}`])
      parseAuthority(text);
    assert.ok(performance.now() - started < 200);
  });
});
