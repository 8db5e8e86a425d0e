import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askedToWait } from '../../../sidecar/policy/retry-after.ts';
import { aResponseHead } from '../exchanges.ts';

const DATE = 'Wed, 25 Nov 2026 20:00:00 GMT';
const NOW = Date.parse(DATE) / 1000;
/** Far more than anybody waits for. */
const LATEST = (1_000_000_000_000 - NOW) * 1000;

for (const [status, name, value, ms] of [
  [503, 'Retry-After', '0', 0],
  [503, 'Retry-After', '1', 1_000],
  [429, 'retry-after', '120', 120_000],
  [503, 'Retry-After', 'Wed, 25 Nov 2026 20:00:02 GMT', 2_000],
  [503, 'Retry-After', 'Wed, 25 Nov 2026 19:59:00 GMT', 0],
  [503, 'Retry-After', 'Wednesday, 25-Nov-26 20:00:03 GMT', 3_000],
  [503, 'Retry-After', 'Wed Nov 25 20:00:04 2026', 4_000],
  [503, 'Retry-After', 'Wed, 45 Nov 2026', 0],
  [503, 'Retry-After', 'soon', 0],
  [503, 'Retry-After', '-1', 0],
  [503, 'Retry-After', '1.5', 0],
  [503, 'Retry-After', '99999999999', (99_999_999_999 - NOW) * 1000],
  [503, 'Retry-After', '9'.repeat(400), LATEST],
  [503, 'Retry-After', '', 0],
  [429, 'RateLimit-Reset', '3', 3_000],
  [429, 'X-RateLimit-Reset', '4', 4_000],
  [429, 'X-RateLimit-Reset', String(NOW + 5), 5_000],
  [429, 'X-RateLimit-Reset', String(NOW - 5), 0],
  [429, 'X-RateLimit-Reset', String((NOW + 5) * 1000), LATEST],
  [503, 'X-RateLimit-Reset', '4', 0],
] as const) {
  test(`a ${status} with ${name}: ${value} asks for ${ms} ms`, () => {
    assert.equal(askedToWait(aResponseHead({ status, fields: [name, value, 'Date', DATE] })), ms);
  });
}

test('Retry-After goes before the others', () => {
  const fields = ['X-RateLimit-Reset', '9', 'Retry-After', '1'];
  assert.equal(askedToWait(aResponseHead({ status: 429, fields })), 1_000);
});

test('a date without one to hold it against asks for nothing', () => {
  assert.equal(askedToWait(aResponseHead({ status: 503, fields: ['Retry-After', DATE] })), 0);
});
