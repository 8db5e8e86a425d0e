import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoint, type EndpointSpec } from '../../../sidecar/upstream/endpoint.ts';

const spec = (values: Partial<EndpointSpec> = {}): EndpointSpec => ({
  id: 'a',
  address: '10.0.0.1',
  port: 8080,
  weight: 1,
  zone: null,
  version: null,
  ...values,
});

test('is named after its address', () => {
  assert.equal(new Endpoint(spec()).name, '10.0.0.1:8080');
  assert.equal(new Endpoint(spec({ address: 'inventory.test' })).name, 'inventory.test:8080');
  assert.equal(new Endpoint(spec({ address: '2001:db8::1' })).name, '[2001:db8::1]:8080');
});

test('takes over what may change, and keeps its counts', () => {
  const endpoint = new Endpoint(spec());
  endpoint.attempts = 5;
  endpoint.update(spec({ weight: 3, zone: 'b', version: '2' }));
  assert.deepEqual([endpoint.weight, endpoint.zone, endpoint.version, endpoint.attempts], [3, 'b', '2', 5]);
});
