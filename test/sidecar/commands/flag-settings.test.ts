import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../../../control-plane/contract/problem.ts';
import { settingsFromFlags } from '../../../sidecar/commands/flag-settings.ts';
import { complaintsOf, configOf } from '../config/files.ts';

function flags(given: Record<string, string[]>) {
  const entries = Object.entries(given).map(
    ([name, values]) => [name, { values, source: `--${name}` }] as const,
  );
  return settingsFromFlags({ flags: new Map(entries), operands: [] });
}

test('flags say what a file would say', () => {
  const { overrides, problems } = flags({
    service: ['orders'],
    port: ['8080'],
    listen: ['127.0.0.1:8081'],
    upstream: [
      'inventory=127.0.0.1:9001,[::1]:9002',
      'legacy=dns:legacy.internal:80',
      'found=srv:_http._tcp.found',
    ],
    'egress-port': ['9101=inventory,9102=legacy', '9103=found'],
    'unknown-hosts': ['refuse'],
    'control-plane': ['http://c:7600'],
    admin: ['off'],
    'access-log': ['text'],
  });
  assert.deepEqual(problems, []);
  const config = configOf('{}', { overrides });
  assert.equal(config.service, 'orders');
  assert.equal(config.app?.port, 8080);
  assert.deepEqual(config.egress.listen, { host: '127.0.0.1', port: 8081 });
  assert.deepEqual(
    [...config.egress.ports],
    [
      [9101, 'inventory'],
      [9102, 'legacy'],
      [9103, 'found'],
    ],
  );
  assert.equal(config.egress.unknownHosts, 'refuse');
  assert.equal(config.controlPlane?.url, 'http://c:7600');
  assert.equal(config.admin, null);
  assert.equal(config.accessLog.format, 'text');
  const inventory = config.upstreams.get('inventory')?.endpoints;
  assert.ok(inventory?.kind === 'static');
  assert.deepEqual(
    inventory.endpoints.map(({ id }) => id),
    ['127.0.0.1:9001', '[::1]:9002'],
  );
  assert.deepEqual(config.upstreams.get('legacy')?.endpoints, {
    kind: 'dns',
    host: 'legacy.internal',
    port: 80,
  });
  assert.deepEqual(config.upstreams.get('found')?.endpoints, {
    kind: 'dns',
    host: '_http._tcp.found',
    port: null,
  });
});

test('a token from the environment is for a control plane that is named there too', () => {
  const token = { values: ['s3cret'], source: 'OUTRIDER_TOKEN' };
  const url = { values: ['http://c:7600'], source: 'OUTRIDER_CONTROL_PLANE' };
  const alone = settingsFromFlags({ flags: new Map([['token', token]]), operands: [] });
  assert.deepEqual(alone.overrides, []);
  const both = new Map(Object.entries({ token, 'control-plane': url }));
  const { overrides } = settingsFromFlags({ flags: both, operands: [] });
  assert.equal(configOf('{}', { overrides }).controlPlane?.token, 's3cret');
});

test('a flag wins over the file, and leaves the rest of it alone', () => {
  const { overrides } = flags({ listen: ['127.0.0.1:1'], upstream: ['a=b:2'] });
  const yaml =
    'egress: {listen: "127.0.0.1:9", via: false}\nupstreams: {a: {dns: "x:1", policy: {balancer: random}}}';
  const { egress, upstreams } = configOf(yaml, { overrides });
  assert.deepEqual([egress.listen?.port, egress.via], [1, false]);
  assert.equal(upstreams.get('a')?.policy.balancer, 'random');
  assert.equal(upstreams.get('a')?.endpoints.kind, 'static');
});

for (const [name, value, complaint] of [
  [
    'listen',
    '8080',
    '--listen: egress.listen: expected an address and port to listen on, such as 127.0.0.1:15001 or [::1]:15001, or off, found "8080"; did you mean 127.0.0.1:8080?',
  ],
  ['port', 'http', '--port: app.port: expected a whole number from 1 to 65535, found "http"'],
  [
    'unknown-hosts',
    'reject',
    '--unknown-hosts: egress.unknownHosts: expected one of pass, refuse, found "reject"',
  ],
  [
    'egress-port',
    '9001=nobody',
    '--egress-port: egress.ports.9001: no upstream nobody is declared (and no controlPlane is, where it could come from)',
  ],
  [
    'upstream',
    'Inventory=a:1',
    '--upstream: upstreams.Inventory: expected a key that is a name of lower case letters, digits, dashes and dots, such as inventory, found "Inventory"; did you mean inventory?',
  ],
  [
    'upstream',
    'a=127.0.0.1:0',
    '--upstream: upstreams.a.endpoints[0]: expected a host and port, such as 127.0.0.1:9301, [::1]:9301 or inventory.internal:8080, or a map with address, port, weight, zone, version, found "127.0.0.1:0"',
  ],
] as const) {
  test(`complains of --${name} ${value}`, () => {
    const { overrides } = flags({ [name]: [value] });
    assert.deepEqual(complaintsOf('{}', { overrides }), [complaint]);
  });
}

for (const [name, values, complaint] of [
  [
    'upstream',
    ['inventory'],
    '--upstream: expected NAME=HOST:PORT[,HOST:PORT…], NAME=dns:HOST:PORT or NAME=srv:NAME, found "inventory"',
  ],
  [
    'upstream',
    ['=a:1'],
    '--upstream: expected NAME=HOST:PORT[,HOST:PORT…], NAME=dns:HOST:PORT or NAME=srv:NAME, found "=a:1"',
  ],
  ['upstream', ['a=b:1', 'a=c:1'], '--upstream: a is given twice'],
  [
    'egress-port',
    ['inventory=9001'],
    '--egress-port: expected PORT=NAME, found "inventory=9001"; did you mean 9001=inventory?',
  ],
  [
    'egress-port',
    ['9001:inventory'],
    '--egress-port: expected PORT=NAME, found "9001:inventory"; did you mean 9001=inventory?',
  ],
  ['egress-port', ['9001'], '--egress-port: expected PORT=NAME, found "9001"'],
] as const) {
  test(`complains of the form of --${name} ${values.join(' ')}`, () => {
    assert.deepEqual(flags({ [name]: [...values] }).problems.map(formatProblem), [complaint]);
  });
}
