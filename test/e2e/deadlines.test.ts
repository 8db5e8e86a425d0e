import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { get, RawClient } from './harness/raw-client.ts';
import { ok, RawUpstream } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';

const withField = (field: string, target = '/') => get(target).replace('\r\n\r\n', `\r\n${field}\r\n\r\n`);

describe('a request that says how long it is waited for', () => {
  let inner: SidecarProcess;
  let outer: SidecarProcess;
  let client: RawClient;
  let upstream: RawUpstream;

  before(async () => {
    upstream = await RawUpstream.start();
    const svc = (address: string) => ({ upstreams: { svc: { endpoints: [address] } } });
    inner = await SidecarProcess.start({ file: svc(upstream.address) });
    outer = await SidecarProcess.start({ file: svc(`127.0.0.1:${inner.port}`) });
    client = await RawClient.connect(outer.port);
  });

  afterEach(() => {
    upstream.forget();
    upstream.options = { onRequest: ok };
  });

  after(async () => {
    client?.close();
    await outer?.kill();
    await inner?.kill();
    await upstream?.stop();
  });

  const told = () => upstream.requests.map(request => Number(request.field('x-request-deadline-ms')));

  it('is given up when that is over, and so is the work for it, through two sidecars', async () => {
    upstream.options = { onRequest() {} };
    const begun = performance.now();
    const answer = await client.ask(withField('x-request-deadline-ms: 300', '/late'));
    assert.ok(performance.now() - begun >= 295);
    assert.deepEqual([answer.status, answer.field('x-outrider-error')], [504, 'deadline']);
    const [connection] = upstream.connections;
    await connection!.ended();
    // Either of the two may be the one that notices first.
    assert.equal((await outer.logged('/late')).status, 504);
  });

  it('tells the endpoint what is left, once', async () => {
    await client.ask(withField('X-Request-Deadline-Ms: 2000'));
    await client.ask(withField('grpc-timeout: 1S'));
    const [first, second] = told();
    assert.ok(first! > 0 && first! <= 2_000, `${first} ms`);
    assert.ok(second! > 0 && second! <= 1_000, `${second} ms`);
    const [request, grpc] = upstream.requests;
    assert.equal(grpc!.field('grpc-timeout'), `${second}m`);
    assert.equal(request!.field('grpc-timeout'), null);
    assert.equal(
      request!.fields.filter(([name]) => name.toLowerCase() === 'x-request-deadline-ms').length,
      1,
    );
  });

  it('may say nonsense, which nobody minds', async () => {
    for (const nonsense of ['-5', 'NaN', '1e9', '99999999999999999999', ''])
      assert.equal((await client.ask(withField(`x-request-deadline-ms: ${nonsense}`))).status, 200);
    assert.ok(told().every(ms => ms > 10_000 && ms <= 15_000));
  });

  it('need not say it: the total goes along', async () => {
    await client.ask(get('/'));
    const [ms] = told();
    assert.ok(ms! > 10_000 && ms! <= 15_000, `${ms} ms`);
  });

  it('reaches nobody where there is no time left at all', async () => {
    const answer = await client.ask(withField('x-request-deadline-ms: 0'));
    assert.deepEqual([answer.status, upstream.requests.length], [504, 0]);
  });
});
