import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainAbsent, explainNoRoute, type NoRouteSituation } from '../../../sidecar/routing/no-route.ts';
import { aRequestHead } from '../exchanges.ts';

const SITUATION: NoRouteSituation = {
  upstreams: ['inventory', 'delivery'],
  unknownHosts: 'pass',
  connectPorts: [443],
  isOwnAddress: (host, port) => host === '127.0.0.1' && port === 15_001,
};

function explain(authority: string, situation: Partial<NoRouteSituation> = {}, method = 'GET'): string {
  return explainNoRoute(aRequestHead({ authority, method }), { ...SITUATION, ...situation });
}

test('the advice fits the case', () => {
  assert.equal(
    explain('example.com', { unknownHosts: 'refuse' }),
    'No route leads to example.com: configured are inventory, delivery. Add it under upstreams, or set egress.unknownHosts to pass.',
  );
  assert.equal(
    explain('127.0.0.1:15001', { unknownHosts: 'refuse' }),
    '127.0.0.1:15001 is this sidecar itself: configured are inventory, delivery. Name one of them in Host.',
  );
  assert.equal(
    explain('example.com:22', {}, 'CONNECT'),
    'CONNECT to example.com:22 is not permitted: 22 is not among the ports of egress.connect. Add it there, or add the host under upstreams.',
  );
  assert.equal(
    explain('example.com:443', {}, 'CONNECT'),
    'CONNECT to example.com:443 came in on the port of an upstream, which leads to that upstream only. Send it to the shared port (egress.listen).',
  );
  assert.match(
    explain('inventory:80', {}, 'CONNECT'),
    /^CONNECT to inventory:80 came in on the port of an upstream/,
  );
  assert.match(explain(''), /^The request names no host: configured are inventory, delivery\./);
});

test('no list of upstreams is too long, and none is said to be none', () => {
  const upstreams = Array.from({ length: 12 }, (_, i) => `s${i}`);
  assert.match(explain('x', { upstreams, unknownHosts: 'refuse' }), /s9, …\. Add/);
  assert.match(explain('x', { upstreams: [], unknownHosts: 'refuse' }), /: no upstream is configured\./);
});

test('of a service of the mesh that is not known, the control plane says why', () => {
  const detail = (mesh: Parameters<typeof explainAbsent>[1]) => explainAbsent('payments', mesh).detail;
  assert.equal(
    detail({ explain: name => `Nobody has started ${name}.` }),
    'payments.mesh is no service that is known here. Nobody has started payments.',
  );
  assert.match(detail({ explain: () => null }), /try again\.$/);
  assert.match(detail(null), /There is no control plane/);
});
