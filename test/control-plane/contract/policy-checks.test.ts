import assert from 'node:assert/strict';
import { test } from 'node:test';
import { POLICY_SCHEMA } from '../../../control-plane/contract/policy.ts';
import { checkPolicy } from '../../../control-plane/contract/policy-checks.ts';
import { read } from '../../../control-plane/contract/read.ts';
import { treeOf } from './trees.ts';

function warningsAbout(yaml: string): string[] {
  const { value, written } = read(POLICY_SCHEMA, treeOf(yaml));
  return checkPolicy(value, [], written, 'a').map(({ severity, key }) => `${severity} ${key}`);
}

for (const [yaml, warnings] of [
  ['timeouts: { connect: 20s }', ['warning timeouts.connect']],
  ['timeouts: { connect: 3s, attempt: 2s }', ['warning timeouts.connect']],
  ['timeouts: { attempt: 6s, total: 5s }', ['error timeouts.attempt']],
  ['timeouts: { attempt: 20s }', ['error timeouts.attempt']],
  ['{ timeouts: { attempt: 2s, total: 5s }, retry: { attempts: 4 } }', ['error retry.attempts']],
  ['{ timeouts: { attempt: 2s, total: 5s }, retry: { attempts: 4, on: [reset] } }', []],
  ['{ timeouts: { attempt: 2s, total: 5s }, retry: { attempts: 3 } }', []],
  ['timeouts: { attempt: 10s }', []],
  ['retry: { retryAfter: 20s }', ['warning retry.retryAfter']],
  ['limits: { pendingFor: 20s }', ['warning limits.pendingFor']],
  ['limits: { hold: 20s }', ['warning limits.hold']],
  ['limits: { concurrency: { min: 50, max: 20 } }', ['error limits.concurrency']],
  ['limits: { concurrency: { max: 20 } }', []],
  ['retry: { backoff: { base: 1s, max: 100ms } }', ['warning retry.backoff.base']],
  ['outliers: { ejectFor: 2m }', []],
  ['outliers: { ejectFor: 2m, maxEjectFor: 1m }', ['warning outliers.maxEjectFor']],
  ['breaker: { openFor: 2m }', []],
  ['breaker: { openFor: 2m, openForMax: 1m }', ['warning breaker.openForMax']],
  ['outliers: { lostFor: 20s }', ['warning outliers.lostFor']],
  ['outliers: off', []],
  ['hedge: {}', []],
  ['hedge: { after: 500ms, max: 2 }', []],
  ['{ hedge: {}, retry: { methods: [GET, PUT] } }', []],
  ['{ hedge: {}, retry: { methods: any } }', ['error retry.methods']],
  ['{ hedge: {}, retry: { methods: [GET, POST] } }', ['error retry.methods']],
  ['{ hedge: {}, retry: { attempts: 1 } }', ['error hedge']],
  ['hedge: { max: 3 }', ['warning hedge.max']],
  ['{ hedge: { after: 2s }, timeouts: { attempt: 2s } }', ['error hedge.after']],
  ['hedge: { after: 15s }', ['error hedge.after']],
  ['{ hedge: { after: 15s }, timeouts: { total: off } }', []],
  ['fault: { ttl: 1m }', ['error fault']],
  ['fault: { delay: { for: 1s } }', []],
  ['fault: { delay: 1s }', []],
  ['fault: { abort: {}, match: [{ name: x-a, value: b, prefix: c }] }', ['error fault.match']],
  ['fault: { abort: {}, match: [{ name: x-a, value: b }, { name: x-b, prefix: c }, { name: x-c }] }', []],
  ['fallback: {}', ['error fallback']],
  ['fallback: { on: [failure] }', ['error fallback']],
  ['fallback: { cached: true }', []],
  ['fallback: { upstream: a }', ['error fallback.upstream']],
  ['fallback: { static: {}, on: [5xx], after: 1s }', ['error fallback.after']],
  ['fallback: { static: {}, after: 20s }', ['warning fallback.after']],
  ['fallback: { upstream: b, cached: {}, static: {} }', []],
  ['fallback: { cached: { entrySize: 8MiB } }', ['error fallback.cached.entrySize']],
  ['fallback: { cached: { vary: [Cookie], ignore: [cookie] } }', ['error fallback.cached.ignore']],
  ['fallback: { static: { status: 204, body: x } }', ['error fallback.static.body']],
  ['fallback: { static: { status: 304, body: "" } }', []],
  [
    `fallback: { static: { headers: { ${Array.from({ length: 33 }, (_, i) => `x-${i}: a`).join(', ')} } } }`,
    ['error fallback.static.headers'],
  ],
  ['timeouts: { connect: 20s, total: off }', []],
  ['timeouts: { connect: 5s, attempt: 5s, total: 5s }', []],
] as const) {
  test(`warns of ${warnings.join() || 'nothing'} in ${yaml}`, () =>
    assert.deepEqual(warningsAbout(yaml), warnings));
}

test('warns of nothing that nobody wrote', () => {
  assert.deepEqual(warningsAbout('timeouts: { total: 500ms }'), []);
});
