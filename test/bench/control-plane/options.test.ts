import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ControlPlaneBenchOptions, parseControlPlaneOptions } from './options.ts';

const parse = (line: string) =>
  parseControlPlaneOptions(line.split(' ').filter(word => word !== '')) as ControlPlaneBenchOptions;

test('measures the promised mesh by default', () => {
  const { services, instances, watchers, changes } = parse('');
  assert.deepEqual([services, instances, watchers, changes], [300, 3000, 1000, 50]);
});

test('what is given beats what --quick says', () => {
  const { measureMs, warmupMs } = parse('--quick --seconds 7');
  assert.deepEqual([measureMs, warmupMs], [7000, 2000]);
});

const REFUSED: [string, RegExp][] = [
  ['--services 0', /--services: 0 is not a whole number from 1/],
  ['--changes many', /--changes: many is not/],
  ['--services 10 --instances 19', /--instances: every service needs two/],
  ['--services 5 --instances 50', /--uses: there are not so many services/],
  ['--planes outrider,zookeeper', /--planes: there is no zookeeper; there are outrider, etcd, consul/],
  ['--node /nowhere', /--node: \/nowhere is no Node/],
  ['--bundle /nowhere.js', /--bundle: there is no/],
  ['--fast', /--fast/],
];
for (const [line, reason] of REFUSED) {
  test(`refuses ${line}`, () => assert.throws(() => parse(line), reason));
}
