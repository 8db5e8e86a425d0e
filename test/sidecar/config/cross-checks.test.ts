import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaintsOf } from './files.ts';

const A = 'upstreams: {a: {endpoints: ["10.0.0.1:80"]}}\n';

for (const [yaml, complaints] of [
  [
    'egress: {ports: {9001: nobody}}',
    [
      'file:1:24: egress.ports.9001: no upstream nobody is declared (and no controlPlane is, where it could come from)',
    ],
  ],
  [`${A}egress: {ports: {9001: a}}`, []],
  [
    `${A}egress: {listen: "127.0.0.1:9001", ports: {9001: a}}`,
    ['file:2:50: egress.ports.9001: 127.0.0.1:9001 is taken by egress.listen already'],
  ],
  [
    `${A}egress: {ports: {9001: a}}\nadmin: {listen: "127.0.0.1:9001"}`,
    ['file:3:17: admin.listen: 127.0.0.1:9001 is taken by egress.ports.9001 already'],
  ],
  [
    'admin: {listen: "0.0.0.0:15001"}',
    ['file:1:17: admin.listen: 0.0.0.0:15001 is taken by egress.listen already'],
  ],
  ['admin: {listen: "127.0.0.2:15001"}', []],
  ['app: {port: 15001}', ['file:1:13: app.port: 15001 is taken by egress.listen already']],
  [
    `${A}app: {port: 9001}\negress: {listen: "0.0.0.0:80", ports: {9001: a}}`,
    ['file:2:13: app.port: 9001 is taken by egress.ports.9001 already'],
  ],
  // Where the application listens at another address than that, it is another one's affair.
  ['app: {port: 9001}\negress: {listen: "10.0.0.1:9001"}', []],
  ['egress: {listen: "127.0.0.1:0"}\nadmin: {listen: "127.0.0.1:0"}', []],
  [
    'egress: {listen: off}',
    ['file:1:18: warning: egress.listen: is off and there are no egress.ports: no call can come in'],
  ],
  [
    'upstreams: {a: {endpoints: ["127.0.0.1:15001"]}}',
    [
      "file:1:29: upstreams.a.endpoints[0]: 127.0.0.1:15001 is this sidecar's own egress.listen: requests would go round in circles",
    ],
  ],
  [
    'upstreams: {a: {endpoints: []}}',
    ['file:1:28: warning: upstreams.a.endpoints: has none: every request fails'],
  ],
  [
    'upstreams: {a: {endpoints: [{address: b, port: 1, weight: 0}]}}',
    ['file:1:28: warning: upstreams.a.endpoints: all have weight 0: every request fails'],
  ],
  [
    'upstreams: {a: {endpoints: ["Host:80", {address: host, port: 80}]}}',
    ['file:1:40: upstreams.a.endpoints[1]: host:80 is in the list already'],
  ],
  ['upstreams: {a: {}}', ['file:1:16: upstreams.a: expected exactly one of endpoints, dns, srv, found none']],
  [
    `upstreams: {a: {dns: "b:1", policy: {timeouts: {connect: 1m}}}}`,
    [
      'file:1:58: warning: upstreams.a.policy.timeouts.connect: is longer than timeouts.total, which ends it first',
    ],
  ],
] as const) {
  test(`${complaints.length === 0 ? 'has nothing against' : 'complains of'} ${JSON.stringify(yaml)}`, () => {
    assert.deepEqual(complaintsOf(yaml), complaints);
  });
}

test('lets ports lead to upstreams that the control plane may know', () => {
  const complaints = complaintsOf('controlPlane: {url: "http://c:7600"}\negress: {ports: {9001: anything}}');
  assert.deepEqual(
    complaints.filter(complaint => !complaint.includes('warning')),
    [],
  );
});

for (const [health, complaint] of [
  ['{path: /, tcp: true}', /app\.health\.tcp: expected either path or tcp, found both/],
  ['{tcp: false}', /app\.health\.tcp: there is no path either/],
  ['{timeout: 2s}', /warning: app\.health\.timeout: is longer than app\.health\.interval/],
] as const) {
  test(`complains of health: ${health}`, () => {
    assert.match(complaintsOf(`app: {port: 80, health: ${health}}`).join('\n'), complaint);
  });
}

test('judges no endpoint that could not be read, and none by a place that is not its own', () => {
  const yaml = 'upstreams: {a: {endpoints: [{}, {address: b}, "c:1", "c:1"]}}';
  assert.deepEqual(complaintsOf(yaml), [
    'file:1:29: upstreams.a.endpoints[0].address: is missing, expected an IP address or a host name by which others reach it, without port',
    'file:1:29: upstreams.a.endpoints[0].port: is missing, expected a whole number from 1 to 65535',
    'file:1:33: upstreams.a.endpoints[1].port: is missing, expected a whole number from 1 to 65535',
  ]);
});
