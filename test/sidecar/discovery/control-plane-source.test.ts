import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointResource } from '../../../control-plane/contract/resources.ts';
import { ControlPlaneSource } from '../../../sidecar/discovery/control-plane-source.ts';
import { ServiceDirectory } from '../../../sidecar/discovery/service-directory.ts';

const ENDPOINT: EndpointResource = {
  id: 'i1',
  address: '10.0.0.1',
  port: 8080,
  weight: 3,
  zone: 'a',
  version: '1.4',
  preference: 'last-resort',
};

test('tells of a service’s endpoints as the control plane does, until it is stopped', () => {
  const directory = new ServiceDirectory(() => () => {});
  const told: unknown[] = [];
  const source = new ControlPlaneSource(directory, 'inventory', () => null);
  source.start({
    onEndpoints: all => told.push(all),
    onChange: (set, removed) => told.push({ set, removed }),
    onProblem: assert.fail,
  });
  const { preference: _, ...spec } = ENDPOINT;
  const state = { exists: true, policy: {}, endpoints: [ENDPOINT] };
  directory.begin('e1');
  directory.sync(1, [
    { name: 'inventory', ...state },
    { name: 'orders', ...state },
  ]);
  const change = { type: 'change', service: 'inventory', exists: true, policy: null } as const;
  directory.change({ ...change, revision: 2, set: [{ ...ENDPOINT, preference: 'normal' }], remove: [] });
  directory.change({ ...change, revision: 3, set: [], remove: ['i1'] });
  source.stop();
  directory.change({ ...change, revision: 4, set: [ENDPOINT], remove: [] });
  assert.deepEqual(told, [
    [{ ...spec, isLastResort: true }],
    { set: [{ ...spec, isLastResort: false }], removed: [] },
    { set: [], removed: ['i1'] },
  ]);
});

test('explains why there is no endpoint, only where there is none', () => {
  const directory = new ServiceDirectory(() => () => {});
  const source = new ControlPlaneSource(directory, 'inventory', service => `${service} is unknown.`);
  assert.equal(source.problem, 'inventory is unknown.');
  directory.begin('e1');
  directory.sync(1, [{ name: 'inventory', exists: true, policy: {}, endpoints: [ENDPOINT] }]);
  assert.equal(source.problem, null);
  directory.sync(2, [{ name: 'inventory', exists: false, policy: {}, endpoints: [] }]);
  assert.equal(source.problem, 'inventory is unknown.');
});
