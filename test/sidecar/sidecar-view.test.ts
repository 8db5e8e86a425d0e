import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { PassThrough } from '../../sidecar/pass-through.ts';
import { SidecarView } from '../../sidecar/sidecar-view.ts';
import { DownstreamCounters, UpstreamCounters } from '../../sidecar/telemetry/counters.ts';
import { UpstreamSet } from '../../sidecar/upstream-set.ts';
import { configOf } from './config/files.ts';
import { anExchange } from './exchanges.ts';
import { RecordedReply } from './recorded-reply.ts';
import { until } from './until.ts';
import { OK, ScriptedEndpoint } from './upstream/scripted-endpoint.ts';
import { anUpstreamContext, aSpec, configsOf } from './upstream-sets.ts';

type Shown = Record<string, unknown>;

let parts: ReturnType<typeof anUpstreamContext>;
let upstreams: UpstreamSet;
let passThrough: PassThrough;
let drained: number;
let endpoint: ScriptedEndpoint | null;
let view: SidecarView;
beforeEach(() => {
  parts = anUpstreamContext();
  upstreams = new UpstreamSet(parts.context);
  passThrough = new PassThrough(parts.context);
  drained = 0;
  endpoint = null;
  view = new SidecarView({
    version: '1.2.3',
    upstreams,
    passThrough,
    mesh: null,
    noUpstream: new UpstreamCounters('(none)'),
    downstream: new DownstreamCounters(),
    accessLog: { written: 0, suppressed: 0 },
    logDestination: { dropped: 0 } as never,
    drain: async () => {
      drained++;
    },
  });
});
afterEach(async () => {
  upstreams.stop();
  passThrough.stop();
  // Here, so that a test which fails ends too.
  await endpoint?.close();
});

const aConfig = configOf('service: orders\ncontrolPlane: { url: "http://cp:7600", token: secret }\n');

describe('who it is', () => {
  test('before any configuration is in force', () => {
    const info = view.info() as Shown;
    assert.deepEqual(
      [info.version, info.node, info.service, info.state, info.configGeneration],
      ['1.2.3', process.version, null, 'running', 0],
    );
    assert.ok(!Number.isNaN(Date.parse(String(info.startedAt))));
    assert.deepEqual(view.config(), { generation: 0, inForce: {}, needsRestart: [], refused: null });
  });

  test('under a configuration, and while it drains', () => {
    view.applied(aConfig, []);
    view.isDraining = true;
    const info = view.info() as Shown;
    assert.deepEqual([info.service, info.state, info.configGeneration], ['orders', 'draining', 1]);
  });
});

describe('the configuration', () => {
  test('is shown without secrets', () => {
    view.applied(aConfig, []);
    const text = JSON.stringify(view.config());
    assert.match(text, /"service":"orders"/);
    assert.doesNotMatch(text, /secret/);
  });

  test('is shown with what needs a restart', () => {
    view.applied(aConfig, ['admin.listen']);
    assert.deepEqual((view.config() as Shown).needsRestart, ['admin.listen']);
  });

  test('that was refused is shown with the reason, until one is applied', async () => {
    view.applied(aConfig, []);
    view.refused('line 3: no such key');
    const { generation, refused } = view.config() as { generation: number; refused: Shown };
    assert.equal(generation, 1);
    assert.equal(refused.reason, 'line 3: no such key');
    assert.ok(!Number.isNaN(Date.parse(String(refused.at))));
    const metrics = await view.metrics();
    assert.match(metrics, /^outrider_config_generation 1$/m);
    view.refused(null);
    assert.equal((view.config() as Shown).refused, null);
    assert.match(await view.metrics(), /^outrider_config_refused_total 1$/m);
    view.refused('line 4: no such key');
    view.applied(aConfig, []);
    assert.deepEqual([(view.config() as Shown).generation, (view.config() as Shown).refused], [2, null]);
  });
});

describe('readiness', () => {
  test('needs all endpoints to be known', async () => {
    assert.deepEqual(view.ready(), { ready: true, reasons: [] });
    const base = configsOf({ inventory: [] }).get('inventory')!;
    const endpoints = { kind: 'dns' as const, host: 'inventory.test', port: 8080 };
    parts.resolver.ipv4.set('inventory.test', 'ETIMEOUT');
    parts.resolver.ipv6.set('inventory.test', 'ETIMEOUT');
    upstreams.apply(new Map([['inventory', { ...base, endpoints }]]));
    assert.deepEqual(view.ready(), {
      ready: false,
      reasons: ['The endpoints of inventory are not known yet.'],
    });
    await until(() => parts.warnings.length > 0, 'a problem');
    assert.match(view.ready().reasons[0], /^The endpoints of inventory are not known yet: .+\.$/);
    upstreams.apply(configsOf({ inventory: [] }));
    assert.equal(view.ready().ready, true);
  });

  test('ends with the drain', () => {
    view.isDraining = true;
    assert.deepEqual(view.ready(), {
      ready: false,
      reasons: ['The sidecar drains: it still serves, and closes each connection behind its answer.'],
    });
  });
});

describe('upstreams', () => {
  test('are shown with live counters and endpoints', async () => {
    endpoint = await ScriptedEndpoint.start(connection => connection.write(OK));
    const { port } = endpoint.endpoint;
    upstreams.apply(configsOf({ inventory: [aSpec(port, { zone: 'a', version: '2' })] }));
    const [{ stack }] = upstreams.all;
    const reply = new RecordedReply();
    stack.call(anExchange(), reply);
    assert.equal(view.inFlight, 1);
    await reply.ended;
    assert.equal(view.inFlight, 0);
    assert.deepEqual(view.upstreams(), [
      {
        name: 'inventory',
        balancer: 'least-request',
        source: 'static',
        requests: 1,
        inFlight: 0,
        answers: { '1xx': 0, '2xx': 1, '3xx': 0, '4xx': 0, '5xx': 0, none: 0 },
        failures: {},
        retries: 0,
        retriesRefused: {},
        hedges: { sent: 0, won: 0, refused: {} },
        fallbacks: {},
        moved: 0,
        staleReplays: 0,
        connections: { open: 1, busy: 0, waiting: 0, held: 0 },
        concurrency: null,
        hold: null,
        rateLimit: null,
        breaker: null,
        retryBudget: { left: 30, requests: 1, retries: 0 },
        hedgeAfterMs: null,
        fault: null,
        answersKept: null,
        endpoints: [
          {
            id: `127.0.0.1:${port}`,
            address: '127.0.0.1',
            port,
            weight: 1,
            zone: 'a',
            version: '2',
            outstanding: 0,
            attempts: 1,
            failures: 0,
            idleConnections: 1,
          },
        ],
      },
    ]);
  });

  test('are shown with their failures, and what discovery could not do', async () => {
    const { policy } = configsOf({ inventory: [] }).get('inventory')!;
    const endpoints = { kind: 'dns' as const, host: 'delivery.test', port: 80 };
    const delivery = { name: 'delivery', endpoints, policy };
    upstreams.apply(new Map([...configsOf({ inventory: [] }), ['delivery', delivery]]));
    const [running, looked] = upstreams.all;
    running.stack.call(anExchange(), new RecordedReply());
    await until(() => looked.problem !== null, 'a problem');
    const [shown, unknown] = view.upstreams() as Shown[];
    assert.deepEqual([shown.failures, shown.problem, shown.requests], [{ 'no-endpoint': 1 }, undefined, 1]);
    assert.equal(unknown.problem, looked.problem);
  });

  test('hosts that are passed on are shown as one, as they are counted', () => {
    assert.deepEqual(view.upstreams(), []);
    for (const port of [8080, 8081]) passThrough.to('example.test', port);
    passThrough.counters.answers[2] = 3;
    const [shown, ...others] = view.upstreams() as Shown[];
    assert.deepEqual([shown.name, shown.source, shown.requests], ['(pass)', 'pass', 3]);
    assert.deepEqual(
      (shown.endpoints as Shown[]).map(({ id }) => id),
      ['example.test:8080', 'example.test:8081'],
    );
    assert.deepEqual(others, []);
  });
});

test('metrics tell of upstreams, of what is passed on and of what leads nowhere', async () => {
  upstreams.apply(configsOf({ inventory: [] }));
  const text = await view.metrics();
  for (const name of ['inventory', '(pass)', '(none)'])
    assert.ok(text.includes(`outrider_requests_total{upstream="${name}",class="2xx"} 0`), name);
});

test('a drain is passed on to whom it concerns', async () => {
  await view.drain();
  assert.equal(drained, 1);
});
