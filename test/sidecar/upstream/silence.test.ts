import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Standstill, silence } from '../../../sidecar/upstream/silence.ts';

const NOTHING: Standstill = { isTunnel: false, isPaused: false, isBlocked: false, isSent: true };

const CASES: readonly (readonly [who: string, at: Partial<Standstill>, kind: string, says: RegExp])[] = [
  ['the endpoint, which does not answer', {}, 'reset', /^the connection was silent for 50 ms/],
  [
    'the endpoint, which takes no more',
    { isBlocked: true, isSent: false },
    'reset',
    /took no more of the request/,
  ],
  ['the application, which sends no more', { isSent: false }, 'bad-request', /a body of which no more came/],
  [
    'the application, which takes no more',
    { isPaused: true },
    'client-gone',
    /no room for more of the answer within 50 ms \(timeouts\.idle\)/,
  ],
  ['both ends of a tunnel', { isTunnel: true, isSent: false }, 'client-gone', /\(timeouts\.tunnel\)/],
];

for (const [who, at, kind, says] of CASES) {
  test(`what stands still is put down to ${who}`, () => {
    const reason = silence({ ...NOTHING, ...at }, 50, 'the connection');
    assert.equal(reason.kind, kind);
    assert.match(reason.detail, says);
  });
}

test('a body that stands still is answered with 408', () => {
  assert.equal(silence({ ...NOTHING, isSent: false }, 50, 'the connection').status, 408);
});
