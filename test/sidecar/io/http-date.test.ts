import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpDate } from '../../../sidecar/io/http-date.ts';

test('is an IMF-fixdate (RFC 9110 section 5.6.7)', () => {
  assert.equal(
    new HttpDate(() => Date.UTC(1994, 10, 6, 8, 49, 37, 999)).now(),
    'Sun, 06 Nov 1994 08:49:37 GMT',
  );
});

test('follows the clock from second to second, backwards too', () => {
  let time = Date.UTC(2026, 0, 1);
  const date = new HttpDate(() => time);
  assert.equal(date.now(), 'Thu, 01 Jan 2026 00:00:00 GMT');
  time += 999;
  assert.equal(date.now(), 'Thu, 01 Jan 2026 00:00:00 GMT');
  time += 1;
  assert.equal(date.now(), 'Thu, 01 Jan 2026 00:00:01 GMT');
  time -= 2_000;
  assert.equal(date.now(), 'Wed, 31 Dec 2025 23:59:59 GMT');
});

test('is made anew once a second only', () => {
  let time = 0;
  const date = new HttpDate(() => time);
  const first = date.now();
  time = 500;
  assert.ok(Object.is(date.now(), first));
});
