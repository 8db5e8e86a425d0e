import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaintsOf } from '../../sidecar/config/files.ts';

const policy = (text: string) => `upstreams: { a: { srv: b, policy: { ${text} } } }`;

for (const [yaml, suggestion] of [
  ['accessLog: off', '{ format: off }'],
  ['accessLog: text', '{ format: text }'],
  ['accessLog: 10%', '{ sample: 10% }'],
  ['admin: off', '{ listen: off }'],
  ['admin: 127.0.0.1:15000', '{ listen: 127.0.0.1:15000 }'],
  ['admin: "[::1]:15000"', '{ listen: "[::1]:15000" }'],
  ['app: 8080', '{ port: 8080 }'],
  ['controlPlane: http://control-plane:7600', '{ url: http://control-plane:7600 }'],
  ['upstreams: { a: "127.0.0.1:9001" }', '{ endpoints: [127.0.0.1:9001] }'],
  ['upstreams: { a: { endpoints: "127.0.0.1:9001" } }', '[127.0.0.1:9001]'],
  [policy('retry: 3'), '{ attempts: 3 }'],
  [policy('retry: { on: reset }'), '[reset]'],
  [policy('retry: { on: [503] }'), '{ status: [503] }'],
  [policy('retry: { on: 503 }'), '[{ status: [503] }]'],
  [policy('breaker: { force: off }'), '{ state: off }'],
  [policy('hedge: p95'), '{ after: p95 }'],
  [policy('outliers: true'), '{}'],
  [policy('rateLimit: 100'), '{ rate: 100 }'],
] as const) {
  test(`takes ${yaml} for ${suggestion}`, () => {
    const errors = complaintsOf(yaml).filter(line => !line.includes('warning'));
    assert.equal(errors.length, 1, errors.join('\n'));
    assert.ok(errors[0].endsWith(`; did you mean ${suggestion}?`), errors[0]);
  });
}

for (const yaml of [
  'accessLog: nonsense',
  policy('timeouts: 5s'),
  policy('rateLimit: true'),
  'egress: [a]',
  'accessLog: 1s',
]) {
  test(`does not know what was meant by ${yaml}`, () => {
    for (const line of complaintsOf(yaml)) assert.doesNotMatch(line, /did you mean/);
  });
}

for (const [text, meaning] of [
  ['breaker: off', 'no breaker'],
  ['hedge: false', 'no hedging'],
  ['rateLimit: none', 'no rate limit'],
  ['fallback: off', 'no fallback'],
  ['fallback: { cached: {}, static: off }', 'none'],
  ['fallback: { cached: {}, after: off }', 'as long as the policy permits otherwise'],
] as const) {
  test(`says how there is none instead of ${text}`, () => {
    const [told, ...others] = complaintsOf(policy(text));
    assert.ok(told.endsWith(`; not given means ${meaning}`), told);
    assert.deepEqual(others, []);
  });
}
