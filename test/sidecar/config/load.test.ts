// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are references to the environment

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_POLICY } from '../../../control-plane/contract/default-policy.ts';
import { parseYaml } from '../../../control-plane/contract/yaml-source.ts';
import { loadSidecarConfig } from '../../../sidecar/config/load.ts';
import { complaintsOf, configOf, EXAMPLE } from './files.ts';

test('takes the example of the documentation', () => {
  const { upstreams, ...config } = configOf(EXAMPLE, { environment: { OUTRIDER_TOKEN: 'abc' } });
  assert.deepEqual(config, {
    service: 'orders',
    app: {
      port: 8080,
      health: { path: '/healthz', interval: 1_000, timeout: 500 },
      advertise: null,
      version: '1.4.2',
      zone: 'a',
      metadata: { build: '17' },
    },
    controlPlane: { url: 'http://control-plane:7600', token: 'abc', snapshot: 'auto' },
    egress: {
      listen: { host: '127.0.0.1', port: 15001 },
      ports: new Map([
        [9001, 'inventory'],
        [9002, 'delivery'],
      ]),
      unknownHosts: 'pass',
      connect: { ports: [443] },
      via: true,
    },
    faults: 'allow',
    downstream: config.downstream,
    connections: 10_000,
    admin: { host: '127.0.0.1', port: 15000 },
    accessLog: { format: 'json', sample: 1, perSecond: 1_000 },
    stop: { grace: 10_000, quiet: 250 },
  });
  const { timeouts, ...policy } = DEFAULT_POLICY;
  const place = { address: '127.0.0.1', zone: null, version: null };
  assert.deepEqual(
    upstreams,
    new Map([
      [
        'payments',
        {
          name: 'payments',
          endpoints: {
            kind: 'static',
            endpoints: [
              { id: '127.0.0.1:9301', ...place, port: 9301, weight: 1 },
              { id: '127.0.0.1:9302', ...place, port: 9302, weight: 2 },
            ],
          },
          policy: { ...policy, timeouts: { ...timeouts, total: 3_000 } },
        },
      ],
      [
        'legacy',
        {
          name: 'legacy',
          endpoints: { kind: 'dns', host: 'legacy.internal', port: 8080 },
          policy: DEFAULT_POLICY,
        },
      ],
    ]),
  );
});

test('needs no file at all', () => {
  const { value, problems } = loadSidecarConfig({ file: null, overrides: [] });
  assert.deepEqual(problems, []);
  assert.deepEqual(value?.egress.listen, { host: '127.0.0.1', port: 15001 });
  assert.deepEqual(value?.downstream, {
    headSize: 32_768,
    headFields: 128,
    headTimeout: 10_000,
    idleTimeout: 60_000,
    connections: 10_000,
    pipelined: 65_536,
    halfClose: 200,
    requestBody: null,
  });
});

for (const [yaml, expected, pick] of [
  ['egress: {listen: off, ports: {9001: a}}\nupstreams: {a: {endpoints: []}}', null, 'listen'],
  ['egress: {connect: any}', { ports: 'any' }, 'connect'],
  ['egress: {connect: none}', { ports: [] }, 'connect'],
  ['egress: {connect: [443, 8443]}', { ports: [443, 8443] }, 'connect'],
  ['egress: {via: false}', false, 'via'],
  ['egress: {listen: "[::1]:15001"}', { host: '::1', port: 15001 }, 'listen'],
] as const) {
  test(`reads ${JSON.stringify(yaml)}`, () => assert.deepEqual(configOf(yaml).egress[pick], expected));
}

test('reads SRV upstreams, and addresses of version 6', () => {
  const { upstreams } = configOf(
    'upstreams: {a: {srv: _http._tcp.a.internal}, b: {endpoints: ["[::1]:80", {address: "::2", port: 80}]}}',
  );
  assert.deepEqual(upstreams.get('a')?.endpoints, { kind: 'dns', host: '_http._tcp.a.internal', port: null });
  const b = upstreams.get('b')?.endpoints;
  assert.ok(b?.kind === 'static');
  assert.deepEqual(
    b.endpoints.map(({ id, address }) => [id, address]),
    [
      ['[::1]:80', '::1'],
      ['[::2]:80', '::2'],
    ],
  );
});

for (const advertise of ['0.0.0.0', '0.0.0.0:80', '"::"', '"[::]:80"']) {
  test(`refuses advertise: ${advertise}, which nobody reaches`, () => {
    const [complaint] = complaintsOf(`app: {port: 80, advertise: ${advertise}}`);
    assert.match(complaint, /advertise: expected auto, or the host.* by which others reach the application/);
  });
}

for (const [advertise, expected] of [
  ['auto', null],
  ['10.0.0.1', { host: '10.0.0.1', port: null }],
  ['10.0.0.1:8081', { host: '10.0.0.1', port: 8081 }],
  ['"[::1]"', { host: '::1', port: null }],
  ['"[::1]:80"', { host: '::1', port: 80 }],
  ['orders.internal', { host: 'orders.internal', port: null }],
] as const) {
  test(`reads advertise: ${advertise}`, () => {
    assert.deepEqual(configOf(`app: {port: 80, advertise: ${advertise}}`).app?.advertise, expected);
  });
}

test('shortens the URL of the control plane by its last slash', () => {
  assert.equal(configOf('controlPlane: {url: "http://c:7600/"}').controlPlane?.url, 'http://c:7600');
});

test('nothing of it can be changed', () => {
  const config = configOf(EXAMPLE);
  const endpoints = config.upstreams.get('payments')?.endpoints;
  for (const part of [
    config,
    config.app,
    config.app?.health,
    config.egress,
    config.egress.connect,
    endpoints,
    config.stop,
  ]) {
    assert.ok(Object.isFrozen(part));
  }
});

test('finds everything that is wrong, in the order of the file', () => {
  const yaml = [
    'servise: Orders',
    'egress:',
    '  listen: 15001',
    '  ports: {9001: inventroy, 15001: payments, 99999: x}',
    'upstreams:',
    '  Payments: { endpoints: ["127.0.0.1"] }',
    '  payments: { endpoints: ["127.0.0.1:80", "127.0.0.1:80"], dns: "a:80" }',
    '  inventory: { endpoints: ["127.0.0.1:81"], policy: { attempts: 3 } }',
  ];
  assert.deepEqual(complaintsOf(yaml.join('\n')), [
    'file:1:1: servise: unknown key; did you mean service?',
    'file:3:11: egress.listen: expected an address and port to listen on, such as 127.0.0.1:15001 or [::1]:15001, or off, found 15001; did you mean 127.0.0.1:15001?',
    'file:4:17: egress.ports.9001: no upstream inventroy is declared; did you mean inventory?',
    'file:4:35: egress.ports.15001: 127.0.0.1:15001 is taken by egress.listen already',
    'file:4:45: egress.ports.99999: expected a key that is a port from 1 to 65535, found "99999"',
    'file:6:3: upstreams.Payments: expected a key that is a name of lower case letters, digits, dashes and dots, such as inventory, found "Payments"; did you mean payments?',
    'file:6:27: upstreams.Payments.endpoints[0]: expected a host and port, such as 127.0.0.1:9301, [::1]:9301 or inventory.internal:8080, or a map with address, port, weight, zone, version, found "127.0.0.1"',
    'file:7:43: upstreams.payments.endpoints[1]: 127.0.0.1:80 is in the list already',
    'file:7:60: upstreams.payments: expected exactly one of endpoints, dns, srv, found endpoints and dns',
    'file:8:55: upstreams.inventory.policy.attempts: unknown key; did you mean retry.attempts?',
  ]);
});

test('never throws, whatever the file says', () => {
  const keys = fc.constantFrom(
    'service',
    'egress',
    'listen',
    'ports',
    '9001',
    'upstreams',
    'a',
    'endpoints',
    'dns',
    'policy',
    'app',
    'health',
    'admin',
    'controlPlane',
    '__proto__',
    'constructor',
    'toString',
    'address',
    'port',
    'weight',
    'retry',
    'hedge',
  );
  const { tree } = fc.letrec(tie => ({
    tree: fc.oneof({ depthSize: 'small' }, tie('scalar'), tie('list'), tie('map')),
    scalar: fc.constantFrom(null, 1, 'a', '127.0.0.1:9001', true, '${X}', '5s', ''),
    list: fc.array(tie('tree'), { maxLength: 3 }),
    map: fc.dictionary(keys, tie('tree'), { maxKeys: 5 }),
  }));
  fc.assert(
    fc.property(tree, value => {
      const { value: config, problems } = loadSidecarConfig({
        file: parseYaml('file', Buffer.from(JSON.stringify(value)), {}),
        overrides: [],
      });
      assert.equal(
        config === null,
        problems.some(({ severity }) => severity === 'error'),
      );
    }),
    { numRuns: 1000 },
  );
});
