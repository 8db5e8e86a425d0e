import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepUntilRestart } from '../../../sidecar/config/needs-restart.ts';
import { configOf } from './files.ts';

const STARTED = 'service: orders\napp: { port: 8080 }\nadmin: { listen: 127.0.0.1:15000 }\n';

test('what needs a restart is named and stays as it was; the rest changes', () => {
  const changed = 'service: sales\napp: { port: 8081 }\nadmin: { listen: "off" }\negress: { via: false }\n';
  const started = configOf(STARTED);
  const { config, needsRestart } = keepUntilRestart(configOf(changed), started);
  assert.deepEqual(needsRestart, ['service', 'app', 'admin.listen']);
  assert.deepEqual(
    [config.service, config.app, config.admin, config.egress.via],
    ['orders', started.app, { host: '127.0.0.1', port: 15000 }, false],
  );
});

test('a control plane that comes or goes needs a restart', () => {
  const withPlane = configOf(`${STARTED}controlPlane: { url: "http://cp:7600" }\n`);
  const { config, needsRestart } = keepUntilRestart(configOf(STARTED), withPlane);
  assert.deepEqual([needsRestart, config.controlPlane?.url], [['controlPlane'], 'http://cp:7600']);
});

test('what was written differently and means the same needs none', () => {
  const same = 'service: orders\napp: { port: 8080, advertise: auto }\n';
  assert.deepEqual(keepUntilRestart(configOf(same), configOf(STARTED)).needsRestart, []);
});
