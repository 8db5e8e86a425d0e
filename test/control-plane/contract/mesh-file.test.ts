import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICY } from '../../../control-plane/contract/default-policy.ts';
import { loadMeshDocuments, loadMeshFile } from '../../../control-plane/contract/mesh-file.ts';
import { formatProblem } from '../../../control-plane/contract/problem.ts';
import { parseYaml } from '../../../control-plane/contract/yaml-source.ts';

const EXAMPLE = `
services:
  inventory:
    policy:
      balancer: least-request
      timeouts: { connect: 1s, attempt: 2s, total: 5s, idle: 30s }
      retry: { attempts: 3, on: [connect-failure, reset, gateway-error], methods: idempotent, backoff: { base: 25ms, max: 250ms }, budget: { ratio: 20%, floor: 3 } }
      breaker: { window: 10s, minimumCalls: 20, failureRate: 50%, slowCall: 2s, slowCallRate: 100%, openFor: 5s, halfOpenCalls: 5 }
      limits: { concurrency: 256, pending: 128, pendingFor: 1s, hold: 5s }
      rateLimit: { rate: 100, per: 1s, burst: 200 }
      outliers: { consecutiveFailures: 5, ejectFor: 10s, maxEjected: 50% }
      hedge: { after: p95, max: 1 }
      fallback: { cached: { maxAge: 60s } }
      fault: { delay: { for: 200ms, percent: 5% }, ttl: 10m }
`;

function load(text: string) {
  const { value, problems } = loadMeshFile(parseYaml('mesh.yaml', Buffer.from(text), {}));
  return { value, complaints: problems.map(formatProblem) };
}

test('takes a file that says everything there is to say', () => {
  const { value, complaints } = load(EXAMPLE);
  assert.deepEqual(complaints, []);
  assert.deepEqual(value?.services.inventory.policy, {
    balancer: 'least-request',
    timeouts: {
      connect: 1_000,
      attempt: 2_000,
      total: 5_000,
      idle: 30_000,
      tunnel: 3_600_000,
      propagate: true,
    },
    retry: {
      attempts: 3,
      on: ['connect-failure', 'reset', 'gateway-error'],
      methods: 'idempotent',
      backoff: { base: 25, max: 250 },
      budget: { ratio: 0.2, floor: 3 },
      retryAfter: 1_000,
      oneLayer: true,
      whole: { size: 16_384, within: 50 },
    },
    breaker: {
      window: 10_000,
      windowCalls: null,
      minimumCalls: 20,
      failureRate: 0.5,
      slowCall: 2_000,
      slowCallRate: 1,
      openFor: 5_000,
      openForGrowth: 1,
      openForMax: 60_000,
      halfOpenCalls: 5,
      permitFor: 15_000,
      rampUp: 0,
      failures: ['5xx', 'connect-failure', 'reset', 'attempt-timeout', 'deadline', 'bad-response'],
      force: null,
    },
    limits: {
      concurrency: 256,
      retries: null,
      connections: 4096,
      pending: 128,
      pendingFor: 1_000,
      hold: 5_000,
      retryBody: 65_536,
      headSize: 32_768,
      headFields: 128,
    },
    rateLimit: { rate: 100, per: 1_000, burst: 200, header: null },
    outliers: DEFAULT_POLICY.outliers,
    hedge: { after: 'p95', max: 1 },
    fallback: {
      on: ['failure', 'gateway-error'],
      cached: {
        maxAge: 60_000,
        vary: [],
        ignore: [],
        entrySize: 65_536,
        size: 4_194_304,
        entries: 1_000,
      },
      after: null,
      upstream: null,
      static: null,
    },
    fault: {
      delay: { for: 200, percent: 0.05 },
      abort: null,
      match: [],
      callers: [],
      maxActive: 1000,
      ttl: 600_000,
    },
  });
});

test('takes a service that has nothing but a name', () => {
  const { value, complaints } = load('services: { inventory: , orders: {} }');
  assert.deepEqual(complaints, []);
  assert.deepEqual(Object.keys(value?.services ?? {}), ['inventory', 'orders']);
});

test('gives no value where there is an error', () => {
  const { value, complaints } = load('services: { inventory: { polcy: {} } }');
  assert.equal(value, null);
  assert.deepEqual(complaints, [
    'mesh.yaml:1:26: services.inventory.polcy: unknown key; did you mean policy?',
  ]);
});

test('gives the value where there are only warnings', () => {
  const { value, complaints } = load('services: { a: { policy: { timeouts: { connect: 20s } } } }');
  assert.notEqual(value, null);
  assert.deepEqual(complaints, [
    'mesh.yaml:1:49: warning: services.a.policy.timeouts.connect: is longer than timeouts.total, which ends it first',
  ]);
});

test('gives what was written as documents, with nothing added', () => {
  const documents = (text: string) => loadMeshDocuments(parseYaml('mesh.yaml', Buffer.from(text), {})).value;
  assert.deepEqual(documents('services: { a: { policy: { retry: { attempts: 3 } } }, b: {}, c: }'), {
    a: { retry: { attempts: 3 } },
    b: {},
    c: {},
  });
  assert.deepEqual(documents('services:'), {});
  assert.equal(documents('services: { a: { policy: { retry: { attempts: 99 } } } }'), null);
});
