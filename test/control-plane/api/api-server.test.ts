import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { MemoryStore } from '../../../control-plane/store/memory-store.ts';
import { StoreError } from '../../../control-plane/store/store.ts';
import { startControlPlane } from '../running.ts';
import { SlowStore } from '../store/slow-store.ts';
import { upgrade, Watcher } from '../watchers.ts';

const SERVICE = '/v1/services/inventory';
const INSTANCE = `${SERVICE}/instances/i1`;
const AT = { address: '10.0.0.1', port: 8080 };

test('writes a service, shows it, deletes it', async t => {
  const api = await startControlPlane(t);
  const policy = { retry: { attempts: 3 } };
  const created = await api.call('PUT', SERVICE, { json: { policy } });
  assert.deepEqual([created.status, created.body.policy, created.headers.etag], [201, policy, '"1"']);
  const again = await api.call('PUT', SERVICE, { json: { policy } });
  assert.deepEqual([again.status, again.headers.etag], [200, '"1"']);
  const yaml = {
    text: 'policy: { retry: { attempts: 4 } }',
    headers: { 'content-type': 'application/yaml' },
  };
  assert.equal((await api.call('PUT', SERVICE, yaml)).body.policy.retry.attempts, 4);
  const shown = await api.call('GET', SERVICE);
  assert.equal(shown.body.counts.instances, 0);
  const unchanged = await api.call('GET', SERVICE, { headers: { 'if-none-match': `${shown.headers.etag}` } });
  assert.deepEqual([unchanged.status, unchanged.text], [304, '']);
  assert.equal((await api.call('DELETE', SERVICE)).status, 204);
  assert.equal((await api.call('GET', SERVICE)).status, 404);
  assert.equal((await api.call('DELETE', SERVICE)).status, 404);
});

test('guards against lost updates', async t => {
  const api = await startControlPlane(t);
  const put = (headers: Record<string, string>, attempts: number) =>
    api.call('PUT', SERVICE, { json: { policy: { retry: { attempts } } }, headers });
  assert.equal((await put({ 'if-match': '*' }, 1)).status, 412);
  assert.equal((await put({ 'if-none-match': '*' }, 1)).status, 201);
  assert.equal((await put({ 'if-none-match': '*' }, 2)).status, 412);
  const mine = (await api.call('GET', SERVICE)).headers.etag as string;
  assert.equal((await put({ 'if-match': mine }, 2)).status, 200);
  const late = await put({ 'if-match': mine }, 3);
  assert.deepEqual([late.status, late.headers.etag], [412, '"2"']);
  assert.match(late.body.detail, /is at revision 2: somebody else has changed it/);
  assert.equal((await api.call('DELETE', SERVICE, { headers: { 'if-match': mine } })).status, 412);
  for (const other of ['W/"2"', '"1", W/"2"', '"another"']) {
    assert.equal((await put({ 'if-match': other }, 4)).status, 412, other);
  }
  assert.equal((await put({ 'if-match': '2' }, 4)).status, 400);
  assert.deepEqual((await put({ 'if-match': '"1", "2"' }, 4)).headers.etag, '"3"');
  assert.equal((await put({ 'if-match': '"3"' }, 2)).headers.etag, '"4"');
  for (const known of ['"4"', 'W/"4"', '"1", "4"', '*']) {
    assert.equal(
      (await api.call('GET', SERVICE, { headers: { 'if-none-match': known } })).status,
      304,
      known,
    );
  }
  assert.equal((await api.call('GET', SERVICE, { headers: { 'if-none-match': '"1"' } })).status, 200);
});

test('answers a write with what it wrote, whatever others write before it is kept', async t => {
  const store = new SlowStore();
  const api = await startControlPlane(t, { store });
  store.isHolding = true;
  const put = (attempts: number) => api.call('PUT', SERVICE, { json: { policy: { retry: { attempts } } } });
  const attemptsNow = async () => (await api.call('GET', SERVICE)).body.policy?.retry.attempts;
  const first = put(1);
  while ((await attemptsNow()) !== 1);
  const second = put(2);
  while ((await attemptsNow()) !== 2);
  store.isHolding = false;
  store.letGo();
  const answers = (await Promise.all([first, second])).map(({ status, headers, body }) => [
    status,
    headers.etag,
    body.policy.retry.attempts,
  ]);
  assert.deepEqual(answers, [
    [201, '"1"', 1],
    [200, '"2"', 2],
  ]);
});

test('registers an instance only where its address is free, if asked to', async t => {
  const api = await startControlPlane(t);
  const other = '/v1/services/payments/instances/p1';
  assert.equal((await api.call('PUT', INSTANCE, { json: AT })).status, 201);
  assert.equal((await api.call('PUT', `${INSTANCE}?ifFree=true`, { json: AT })).status, 200);
  const refused = await api.call('PUT', `${other}?ifFree=true`, { json: AT });
  assert.deepEqual(
    [refused.status, refused.body.detail],
    [409, '10.0.0.1:8080 is the address of i1 of inventory, which is alive.'],
  );
  assert.equal((await api.call('GET', INSTANCE)).status, 200);
  assert.equal((await api.call('PUT', other, { json: AT })).status, 201);
  assert.equal((await api.call('GET', INSTANCE)).status, 404);
});

test('registers an instance, renews it, ends it', async t => {
  const api = await startControlPlane(t);
  const created = await api.call('PUT', INSTANCE, { json: { ...AT, zone: 'a', ttl: '3s' } });
  assert.equal(created.status, 201);
  assert.deepEqual(
    [created.body.service, created.body.id, created.body.ttl, created.body.lease, created.body.registeredBy],
    ['inventory', 'i1', '3s', 'kept', null],
  );
  assert.equal((await api.call('PUT', INSTANCE, { json: AT })).status, 200);
  assert.equal((await api.call('POST', `${INSTANCE}/heartbeat`)).status, 200);
  assert.equal((await api.call('GET', INSTANCE)).body.zone, null);
  const inUse = await api.call('DELETE', SERVICE);
  assert.equal(inUse.status, 409);
  assert.equal(inUse.body.detail, 'The service inventory has an instance: deregister it first.');
  assert.equal((await api.call('DELETE', INSTANCE)).status, 204);
  for (const [method, path] of [
    ['DELETE', INSTANCE],
    ['GET', INSTANCE],
    ['POST', `${INSTANCE}/heartbeat`],
    ['POST', `${INSTANCE}/drain`],
    ['POST', `${INSTANCE}/undrain`],
  ] as const) {
    const gone = await api.call(method, path);
    assert.deepEqual([method, path, gone.status], [method, path, 404]);
    assert.match(gone.body.detail, /Register it again/);
  }
});

test('names the sidecar that registered an instance', async t => {
  const api = await startControlPlane(t);
  await api.register('inventory', 'i1', {}, 'sidecar-7');
  assert.equal((await api.call('GET', INSTANCE)).body.registeredBy, 'sidecar-7');
  const { body } = await api.call('GET', '/v1/events');
  assert.deepEqual(
    body.items.map((event: { kind: string; by: string }) => [event.kind, event.by]),
    [['instance-registered', 'sidecar sidecar-7']],
  );
});

test('gives lists in pages', async t => {
  const services = Object.fromEntries(['a', 'a-b', 'b', 'c', 'd'].map(name => [name, {}]));
  const api = await startControlPlane(t, { services });
  for (const [service, id] of [
    ['a', 'i1'],
    ['a', 'i2'],
    ['a-b', 'i1'],
    ['b', 'i1'],
  ]) {
    await api.register(service, id);
  }
  const all = async (path: string, name: (item: { name: string; service: string; id: string }) => string) => {
    const names: string[][] = [];
    for (let after: string | null = ''; after !== null; ) {
      const query = after === '' ? '' : `&after=${encodeURIComponent(after)}`;
      const { body } = await api.call('GET', `${path}?limit=2${query}`);
      names.push(body.items.map(name));
      after = body.next;
    }
    return names;
  };
  assert.deepEqual(await all('/v1/services', ({ name }) => name), [['a', 'a-b'], ['b', 'c'], ['d']]);
  assert.deepEqual(await all('/v1/instances', ({ service, id }) => `${service}/${id}`), [
    ['a/i1', 'a/i2'],
    ['a-b/i1', 'b/i1'],
  ]);
  assert.deepEqual(await all('/v1/services/a/instances', ({ id }) => id), [['i1', 'i2']]);
  assert.equal((await api.call('GET', '/v1/services/none/instances')).status, 404);
  const { body } = await api.call('GET', '/v1/events?since=0&limit=2');
  assert.deepEqual([body.items.length, body.next], [2, 2]);
  const rest = await api.call('GET', `/v1/events?since=${body.next}`);
  assert.equal(rest.body.items.length, 7);
  assert.equal((await api.call('GET', `/v1/events?since=${rest.body.next}`)).body.next, rest.body.next);
});

for (const [what, method, path, sent, status, detail] of [
  [
    'a field that is wrong',
    'PUT',
    INSTANCE,
    { json: { ...AT, port: 0 } },
    400,
    /port: expected a whole number/,
  ],
  [
    'a field that is none',
    'PUT',
    INSTANCE,
    { json: { ...AT, wieght: 2 } },
    400,
    /wieght: unknown key; did you mean weight/,
  ],
  [
    'a service that can not be one',
    'PUT',
    '/v1/services/My_Service',
    { json: {} },
    400,
    /did you mean my-service\?/,
  ],
  [
    'an id that can not be one',
    'PUT',
    `${SERVICE}/instances/a%20b`,
    { json: AT },
    400,
    /id: expected up to 128/,
  ],
  [
    'a parameter that is wrong',
    'GET',
    '/v1/services?limit=0',
    {},
    400,
    /limit: expected a whole number from 1/,
  ],
  [
    'a parameter that is none',
    'GET',
    '/v1/services?lmit=1',
    {},
    400,
    /lmit: unknown key; did you mean limit/,
  ],
  ['a watch of nothing', 'GET', '/v1/watch', {}, 400, /services: is missing/],
  [
    'a watch of what is no service',
    'GET',
    '/v1/watch?services=a,B',
    {},
    400,
    /services: expected names of services/,
  ],
  [
    'a body of another kind',
    'PUT',
    SERVICE,
    { text: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    415,
    /application\/json/,
  ],
  [
    'a body that is too long',
    'PUT',
    SERVICE,
    { text: Buffer.alloc(1024 * 1024 + 1, 32), headers: { 'content-type': 'application/json' } },
    413,
    /longer than 1048576 bytes/,
  ],
  ['no body', 'PUT', SERVICE, {}, 400, /The body is missing/],
  ['a path that is none', 'GET', '/v2/services', {}, 404, /openapi\.json/],
  ['a method that is none', 'POST', SERVICE, { json: {} }, 405, /only with GET, PUT, DELETE, HEAD/],
  ['a path that can not be decoded', 'GET', '/v1/services/%zz', {}, 400, /not a valid url/],
] as const) {
  test(`refuses ${what}, and says so in a problem`, async t => {
    const api = await startControlPlane(t);
    const answer = await api.call(method, path, sent);
    assert.equal(answer.status, status);
    assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8');
    assert.equal(answer.body.status, status);
    assert.match(answer.body.detail, detail);
  });
}

test('asks for tokens where it has some, and not for probes', async t => {
  const api = await startControlPlane(t, { tokens: { admin: 'aaa', sidecar: 'sss' } });
  const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  for (const path of ['/healthz', '/readyz', '/openapi.json'])
    assert.equal((await api.call('GET', path)).status, 200);
  const nobody = await api.call('PUT', SERVICE, { json: {} });
  assert.deepEqual([nobody.status, nobody.headers['www-authenticate']], [401, 'Bearer realm="outrider"']);
  assert.equal((await api.call('GET', '/metrics')).status, 401);
  assert.equal((await api.call('PUT', SERVICE, { json: {}, ...as('sss') })).status, 403);
  assert.equal((await api.call('PUT', SERVICE, { json: {}, ...as('aaa') })).status, 201);
  assert.equal((await api.call('PUT', INSTANCE, { json: AT, ...as('sss') })).status, 201);
  assert.equal((await api.call('GET', '/v1/instances', as('sss'))).status, 200);
  await assert.rejects(upgrade(api.url, { 'x-outrider-sidecar': 's1' }), /^Error: 401 .*needs a token/);
  (await upgrade(api.url, { 'x-outrider-sidecar': 's1', ...as('sss').headers })).destroy();
});

test('does not read the body of somebody who may not send it', async t => {
  const api = await startControlPlane(t, { tokens: { admin: 'aaa', sidecar: null } });
  const answer = await api.call('PUT', SERVICE, {
    text: '{',
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(answer.status, 401);
});

test('keeps web pages out', async t => {
  const api = await startControlPlane(t);
  const rebound = await api.call('GET', '/v1/services', { headers: { host: 'evil.example:7600' } });
  assert.deepEqual([rebound.status, /does not answer to the host/.test(rebound.body.detail)], [403, true]);
  for (const [name, value] of [
    ['origin', 'http://evil.example'],
    ['sec-fetch-site', 'cross-site'],
  ]) {
    const headers = { [name]: value };
    assert.equal((await api.call('POST', `${INSTANCE}/drain`, { headers })).status, 403);
  }
  await assert.rejects(
    upgrade(api.url, { 'x-outrider-sidecar': 's', origin: 'http://evil.example' }),
    /^Error: 403/,
  );
  assert.equal(
    (await api.call('GET', '/v1/services', { headers: { host: 'control-plane:7600' } })).status,
    200,
  );
});

test('answers to any name where it has tokens, which pages do not have', async t => {
  const api = await startControlPlane(t, { tokens: { admin: 'aaa', sidecar: null } });
  const headers = { host: 'mesh.company.example', authorization: 'Bearer aaa' };
  assert.equal((await api.call('GET', '/v1/services', { headers })).status, 200);
});

test('bounds the calls of an address, and says which bound it is', async t => {
  const api = await startControlPlane(t, { rateLimit: { perSecond: 0.01, burst: 2 } });
  await api.call('GET', '/healthz');
  await api.call('GET', '/healthz');
  const refused = await api.call('GET', '/healthz');
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers['retry-after']) > 1);
  assert.match(refused.body.detail, /0\.01 a second are taken, 2 at once/);
});

test('upgrades nothing but the watch', async t => {
  const api = await startControlPlane(t);
  const headers = { 'x-outrider-sidecar': 's1' };
  await assert.rejects(upgrade(api.url, headers, '/v1/services'), /^Error: 400 .*Only GET \/v1\/watch/);
  await assert.rejects(upgrade(api.url, { ...headers, upgrade: 'h2c' }), /^Error: 400 .*leave Upgrade out/);
  await assert.rejects(upgrade(api.url, {}), /^Error: 400 .*which sidecar/);
});

test('says 507 where the disk is full, and has the change no more', async t => {
  const store = new MemoryStore();
  const api = await startControlPlane(t, { store });
  await api.register('inventory', 'i1');
  store.failWith(new StoreError('full', 'no space is left in /data'));
  const refused = await api.call('PUT', '/v1/services/orders', { json: {} });
  assert.deepEqual([refused.status, refused.body.title], [507, 'Insufficient Storage']);
  assert.match(refused.body.detail, /no space is left in \/data/);
  assert.equal((await api.call('GET', '/v1/services/orders')).status, 404);
  assert.equal((await api.call('GET', INSTANCE)).status, 200);
  const { body } = await api.call('GET', '/healthz');
  assert.equal(body.status, 'degraded');
  assert.match(body.warnings[0], /can not be kept: no space is left/);
  store.failWith(null);
  assert.equal((await api.call('PUT', '/v1/services/orders', { json: {} })).status, 201);
  assert.equal((await api.call('GET', '/healthz')).body.status, 'ok');
});

test('streams lines to anybody who asks for the watch without an upgrade', async t => {
  const api = await startControlPlane(t, { services: { inventory: {} } });
  const watching = new AbortController();
  t.after(() => watching.abort());
  const response = await fetch(`${api.url}/v1/watch?services=inventory`, { signal: watching.signal });
  assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
  let text = '';
  const until = async (part: string) => {
    for await (const chunk of response.body?.values({ preventCancel: true }) ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes(part)) return;
    }
  };
  await until('"sync"');
  await api.register('inventory', 'i1');
  await until('"change"');
  const types = text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line).type);
  assert.deepEqual(types, ['hello', 'sync', 'change']);
  await api.controlPlane.stop();
  await until('goodbye');
  assert.match(text, /"goodbye","reason":"the control plane stops"/);
});

test('goes on from a revision, in the same epoch alone', async t => {
  const api = await startControlPlane(t, { services: { inventory: {} } });
  const { body } = await api.call('GET', '/healthz');
  await api.register('inventory', 'i1');
  const second = async (query: string) => {
    const watching = new AbortController();
    const response = await fetch(`${api.url}/v1/watch?services=inventory&${query}`, {
      signal: watching.signal,
    });
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.split('\n').length > 2) break;
    }
    watching.abort();
    return JSON.parse(text.split('\n')[1]).type;
  };
  assert.equal(await second(`since=${body.revision}&epoch=${body.epoch}`), 'change');
  assert.equal(await second(`since=${body.revision}`), 'change');
  assert.equal(await second(`since=${body.revision}&epoch=another`), 'sync');
});

test('counts in the text format of Prometheus', async t => {
  const api = await startControlPlane(t);
  await api.register('inventory', 'i1');
  const { text, headers } = await api.call('GET', '/metrics');
  assert.match(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
  assert.match(text, /^outrider_control_plane_instances\{lease="kept"\} 1$/m);
  assert.match(text, /^outrider_build_info\{version="1\.2\.3",/m);
});

test('answers HEAD as GET, without a body', async t => {
  const api = await startControlPlane(t, { services: { inventory: {} } });
  const head = await api.call('HEAD', SERVICE);
  assert.deepEqual([head.status, head.text, head.headers.etag], [200, '', '"1"']);
});

for (const [what, sent, status] of [
  ['no HTTP', 'nonsense\r\n\r\n', 400],
  ['too long a head', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
] as const) {
  test(`answers ${what} with a problem`, async t => {
    const api = await startControlPlane(t);
    const socket = connect(api.port, '127.0.0.1');
    socket.end(sent);
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) text += chunk;
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(text, /content-type: application\/problem\+json/);
    assert.equal(JSON.parse(text.split('\r\n\r\n')[1]).status, status);
  });
}

test('brings what it was asked for to its end before it stops', async t => {
  const api = await startControlPlane(t, { services: { inventory: {} } });
  await api.register('inventory', 'i1');
  const watcher = await Watcher.open(api.url, 's1', ['inventory']);
  await watcher.heard(({ type }) => type === 'sync');
  const drained = api.call('POST', `${INSTANCE}/drain?wait=10s`);
  await watcher.heard(({ type }) => type === 'change');
  await api.controlPlane.stop();
  assert.equal((await drained).status, 200);
});

test('answers the requests of a connection one after another, and closes one that asks for too much at once', async t => {
  const api = await startControlPlane(t);
  const ask = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${more}\r\n`;
  const patient = connect(api.port, '127.0.0.1');
  patient.write(
    ask('/metrics') + ask('/nowhere') + ask('/v1/services') + ask('/healthz', 'connection: close\r\n'),
  );
  assert.deepEqual((await text(patient)).match(/(?<=HTTP\/1\.1 )\d+/g), ['200', '404', '200', '200']);
  const greedy = connect(api.port, '127.0.0.1').resume();
  greedy.on('error', () => {});
  const closed = new Promise(resolve => greedy.on('close', resolve));
  greedy.write(ask('/metrics').repeat(3000));
  await closed;
  assert.equal((await api.call('GET', '/healthz')).status, 200);
});

test('refuses a request that names two hosts', async t => {
  const api = await startControlPlane(t);
  const socket = connect(api.port, '127.0.0.1');
  socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\nHost: localhost\r\nconnection: close\r\n\r\n');
  assert.match(await text(socket), /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*2 Host fields/);
});

test('has so many connections and no more, and takes others when there is room again', async t => {
  let refused = 0;
  const api = await startControlPlane(t, { connections: 2, onConnectionRefused: () => void refused++ });
  const open = async () => {
    const socket = connect(api.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  const ask = 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n';
  const [first, second] = [await open(), await open()];
  for (const socket of [first, second]) {
    socket.write(ask);
    await once(socket, 'data');
  }
  const third = (await open()).resume();
  await new Promise(resolve => third.on('close', resolve));
  assert.equal(refused, 1);
  first.end();
  await once(first, 'close');
  assert.equal((await api.call('GET', '/healthz')).status, 200);
  second.destroy();
});
