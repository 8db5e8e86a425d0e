// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are references to the environment
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaintsOf } from './files.ts';

/** What people who come from other programs write, and how the one message ends that they get for it. */
const MISUSES: readonly (readonly [yaml: string, end: string])[] = [
  [of('timeouts: { total: never }'), 'found "never"; did you mean off?'],
  [of('timeouts: { total: 0 }'), 'found 0; did you mean off?'],
  [of('timeouts: { total: 1m30s }'), 'found "1m30s"; did you mean 90s?'],
  [of('timeouts: { total: .5s }'), 'found ".5s"; did you mean 500ms?'],
  ['downstream: { requestBody: none }', 'found "none"; did you mean unlimited?'],
  ['accessLog: { sample: 10 percent }', 'found "10 percent"; did you mean 10%?'],
  ['connections: 10_000', 'found "10_000"; did you mean 10000?'],
  ['app: { port: "8080" }', 'found "8080"; did you mean 8080, without quotes?'],
  ['service: $NAME', 'found "$NAME"; did you mean ${NAME}?'],
  ['egress: { listen: none }', 'found "none"; did you mean off?'],
  [
    'egress: { listen: "http://127.0.0.1:15001/" }',
    'found "http://127.0.0.1:15001/"; did you mean 127.0.0.1:15001?',
  ],
  ['egress: { listen: "*:15001" }', 'found "*:15001"; did you mean 0.0.0.0:15001?'],
  [
    'controlPlane: { url: "http://user:s3cret@a:7600/v1" }',
    'found "http://***@a:7600/v1"; did you mean http://a:7600?',
  ],
  ['controlPlane: { url: "http://:7600" }', 'found "http://:7600"'],
  ['controlPlane: { url: "http://a:99999" }', 'found "http://a:99999"'],
  [
    'controlPlane: { url: "http://a" }\negress: { ports: { inventory: 9001 } }',
    'egress.ports.inventory: expected a key that is a port from 1 to 65535, found "inventory"; did you mean 9001: inventory?',
  ],
  ['upstreams: { a: { endpoint: ["b:80"] } }', 'upstreams.a.endpoint: unknown key; did you mean endpoints?'],
  [
    'upstreams: [inventory]',
    'expected a map, each key a name of lower case letters, digits, dashes and dots, such as inventory, found a list',
  ],
  ['service:orders', 'found a single value; behind the colon of a key there has to be a space'],
  ['service: a: b', 'one key a line; a value that has a colon and a space in it has to stand in quotes'],
  ['service: @a', 'a value that begins with @ or ` has to stand in quotes'],
  ['app: { port: ${PORT} }', 'inside of braces and brackets, ${…} has to stand in quotes'],
];

for (const [yaml, end] of MISUSES) {
  test(`tells in one line what is wrong with ${yaml}`, () => {
    const complaints = complaintsOf(yaml);
    assert.equal(complaints.length, 1, complaints.join('\n'));
    assert.match(complaints[0], /^file:\d+:\d+: /);
    assert.ok(complaints[0].endsWith(end), complaints[0]);
  });
}

function of(policy: string): string {
  return `upstreams: { a: { srv: b, policy: { ${policy} } } }`;
}
