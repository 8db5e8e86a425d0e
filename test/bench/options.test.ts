import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { type Options, parseOptions } from './options.ts';

const parse = (line: string) => parseOptions(line.split(' ').filter(word => word !== '')) as Options;

test('runs everything by default, five times', () => {
  const options = parse('');
  assert.deepEqual(options.proxies, ['direct', 'outrider', 'bare', 'haproxy', 'nginx', 'envoy']);
  assert.equal(options.only.length, 8);
  assert.deepEqual([options.rounds, options.measureMs, options.warmupMs], [5, 3000, 5000]);
});

test('what is given beats what --quick says', () => {
  const options = parse('--quick --rounds 3 --only get-1m,small-get');
  assert.deepEqual([options.rounds, options.measureMs], [3, 1000]);
  assert.deepEqual(options.only, ['small-get', 'get-1m']);
});

test('a profile is taken of the sidecar alone unless told otherwise', () => {
  assert.deepEqual(parse('--profile').proxies, ['outrider']);
  assert.deepEqual(parse('--profile --proxies outrider,haproxy').proxies, ['outrider', 'haproxy']);
});

test('a variant gets a row of its own', () => {
  const options = parse('--variant old=package.json --proxies outrider');
  assert.deepEqual(options.proxies, ['outrider', 'old']);
  assert.deepEqual(options.variants, [{ name: 'old', bundle: resolve('package.json') }]);
});

const REFUSED: [string, RegExp][] = [
  ['--only small', /--only: small is none of small-get, /],
  ['--proxies caddy', /--proxies: caddy is none of direct, /],
  ['--rounds 0', /--rounds: 0 is not a number above 0/],
  ['--seconds soon', /--seconds: soon is not/],
  ['--variant haproxy=x.js', /--variant: haproxy=x.js is not NAME=FILE/],
  ['--variant old=/nowhere.js', /--variant: there is no \/nowhere\.js/],
  ['--bundle /nowhere.js', /--bundle: there is no \/nowhere\.js/],
  ['--node /nowhere', /--node: \/nowhere is no Node/],
  ['--node /bin/true', /--node: \/bin\/true is no Node/],
  ['--fast', /--fast/],
];
for (const [line, reason] of REFUSED) {
  test(`refuses ${line}`, () => assert.throws(() => parse(line), reason));
}
