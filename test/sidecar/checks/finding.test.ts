import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failed, ok, runChecks, skipped } from '../../../sidecar/checks/finding.ts';

test('everything is looked at, in order, also when some of it fails', async () => {
  const findings = await runChecks(
    [
      { name: 'a', look: () => failed('it is broken', 'mend it') },
      { name: 'b', look: async () => ok('it is well') },
      { name: 'c', look: () => skipped('there is none') },
    ],
    10_000,
  );
  assert.deepEqual(findings, [
    { name: 'a', result: 'failed', detail: 'it is broken', fix: 'mend it' },
    { name: 'b', result: 'ok', detail: 'it is well', fix: null },
    { name: 'c', result: 'skipped', detail: 'there is none', fix: null },
  ]);
});

test('what does not end fails alone, and says so', async () => {
  const [hanging, other] = await runChecks(
    [
      { name: 'hangs', look: () => new Promise<never>(() => {}) },
      { name: 'other', look: () => ok('well') },
    ],
    20,
  );
  assert.match(`${hanging.result} ${hanging.detail}`, /^failed it could not be found out within 20 ms$/);
  assert.equal(other.result, 'ok');
});

test('a check with a bug fails alone, and says so', async () => {
  const throws = () => {
    throw new Error('oops');
  };
  const findings = await runChecks(
    [
      { name: 'throws', look: throws },
      { name: 'other', look: () => ok('well') },
    ],
    10_000,
  );
  assert.deepEqual(
    findings.map(({ result }) => result),
    ['failed', 'ok'],
  );
  assert.match(findings[0].detail, /a bug in this check: Error: oops/);
});
