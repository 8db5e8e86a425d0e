import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Fields } from '../../../sidecar/exchange/fields.ts';
import { applyConnectionOptions } from '../../../sidecar/http1/connection-options.ts';

const options = (connection: string | null, fields: Fields = []) => {
  const { close, keepAlive, upgrade } = applyConnectionOptions(connection, fields);
  return [close && 'close', keepAlive && 'keep-alive', upgrade && 'upgrade'].filter(Boolean);
};

function left(connection: string, ...names: string[]): string[] {
  const fields = names.flatMap(name => [name, 'x']);
  applyConnectionOptions(connection, fields);
  assert.ok(fields.every((text, i) => i % 2 === 0 || text === 'x'));
  return fields.filter((_, i) => i % 2 === 0);
}

describe('connection options (RFC 9110 section 7.6.1)', () => {
  const cases: [connection: string | null, options: string[]][] = [
    [null, []],
    ['', []],
    ['close', ['close']],
    ['Close', ['close']],
    ['CLOSE', ['close']],
    ['keep-alive', ['keep-alive']],
    ['Keep-Alive', ['keep-alive']],
    ['KEEP-alive', ['keep-alive']],
    ['upgrade', ['upgrade']],
    ['keep-alive, Upgrade', ['keep-alive', 'upgrade']],
    ['close, keep-alive', ['close', 'keep-alive']],
    [',, close ,', ['close']],
    ['\tclose\t,x', ['close']],
    ['x-close', []],
    ['close2', []],
    ['close;x', []],
    ['"close"', []],
    ['clo se', []],
    ['\xa0close', []],
    ['close\x85', []],
  ];
  for (const [connection, expected] of cases) {
    test(`${JSON.stringify(connection)}: ${expected.join(' and ') || 'none'}`, () =>
      assert.deepEqual(options(connection), expected));
  }

  test('the fields that it names are removed, in any case, every one of them', () => {
    assert.deepEqual(left('x-a, X-B', 'X-A', 'x-b', 'X-C', 'X-a', 'x-a-'), ['X-C', 'x-a-']);
  });

  test('they are told, so that trailers of these names are removed too', () => {
    assert.deepEqual(
      applyConnectionOptions('close, X-A, keep-alive', []).nominated,
      new Set(['x-a', 'keep-alive']),
    );
    for (const connection of [null, 'close', 'Keep-Alive']) {
      assert.equal(applyConnectionOptions(connection, []).nominated, null);
    }
  });

  test('a name with other white space around it is another name', () => {
    assert.deepEqual(left('\xa0x-a, x-b\x85', 'X-A', 'X-B'), ['X-A', 'X-B']);
  });

  test('close is no field’s name', () => {
    assert.deepEqual(left('close', 'Close'), ['Close']);
    assert.deepEqual(left('close, x-a', 'Close', 'X-A'), ['Close']);
  });

  test('fields for all recipients stay, whatever it names', () => {
    const kept = [
      'Host',
      'Content-Length',
      'Transfer-Encoding',
      'Content-Type',
      'Content-Encoding',
      'Content-Range',
      'Cache-Control',
      'Authorization',
      'Cookie',
      'Set-Cookie',
      'Date',
      'Expect',
      'Max-Forwards',
      'Trailer',
      'Via',
    ];
    assert.deepEqual(left(kept.join(', ').toLowerCase(), ...kept), kept);
    assert.deepEqual(left(`close, ${kept.join(',')}`, ...kept), kept);
  });
});
