import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StaticSource } from '../../../sidecar/discovery/static-source.ts';
import type { EndpointSpec } from '../../../sidecar/upstream/endpoint.ts';

test('says at once what was written down, and nothing after', () => {
  const endpoints: EndpointSpec[] = [
    { id: 'a', address: '127.0.0.1', port: 9001, weight: 1, zone: null, version: null },
  ];
  const said: (readonly EndpointSpec[])[] = [];
  const source = new StaticSource(endpoints);
  source.start({ onEndpoints: all => said.push(all), onChange: assert.fail, onProblem: assert.fail });
  source.stop();
  assert.deepEqual(said, [endpoints]);
});
