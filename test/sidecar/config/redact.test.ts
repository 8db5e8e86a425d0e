// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are references to the environment
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact } from '../../../sidecar/config/redact.ts';
import { configOf, EXAMPLE } from './files.ts';

test('says what is in force in the notation of the file', () => {
  const shown = redact(
    configOf(
      'egress: {connect: none, ports: {9001: a}}\nupstreams: {a: {srv: a.b, policy: {timeouts: {attempt: 2s}}}}',
    ),
  );
  const at = (...path: string[]) => path.reduce((value, key) => value[key] as Record<string, unknown>, shown);
  assert.deepEqual(at('egress'), {
    listen: '127.0.0.1:15001',
    ports: { 9001: 'a' },
    unknownHosts: 'pass',
    connect: 'none',
    via: true,
  });
  assert.equal(at('upstreams', 'a').srv, 'a.b');
  assert.equal(at('upstreams', 'a', 'policy', 'timeouts').attempt, '2s');
  assert.deepEqual(at('stop'), { grace: '10s', quiet: '250ms' });
  assert.equal(at('downstream').requestBody, 'unlimited');
  assert.equal(at('downstream').headSize, '32KiB');
});

test('hides the token', () => {
  const shown = JSON.stringify(redact(configOf(EXAMPLE, { environment: { OUTRIDER_TOKEN: 's3cret' } })));
  assert.ok(!shown.includes('s3cret'));
  assert.match(shown, /"token":"\(hidden\)"/);
});

for (const yaml of [
  '{}',
  EXAMPLE.replace('${OUTRIDER_TOKEN:-}', ''),
  'egress: {listen: off, connect: any, ports: {9001: a}}\nadmin: {listen: off}\nupstreams: {a: {endpoints: ["[::1]:80"]}, b: {srv: b.c}}',
  'app: {port: 80, advertise: "[::1]:90", health: {tcp: true}}\ndownstream: {requestBody: 1MiB}\nstop: {grace: 0s}',
]) {
  test(`what it says makes the same configuration again: ${JSON.stringify(yaml).slice(0, 60)}`, () => {
    const config = configOf(yaml);
    const again = JSON.stringify(withoutNull(redact(config)));
    assert.deepEqual(configOf(again), config);
  });
}

/** In a file, what there is none of is not there. */
function withoutNull(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNull);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNull(inner)]));
}
