import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Load } from '../e2e/harness/load.ts';
import { RawUpstream } from '../e2e/harness/raw-upstream.ts';
import { SidecarProcess } from '../e2e/harness/sidecar-process.ts';
import { until } from '../e2e/harness/until.ts';

describe('an access log that nobody reads', () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;

  before(async () => {
    upstream = await RawUpstream.start();
    sidecar = await SidecarProcess.start({
      file: { accessLog: { perSecond: 1_000_000 }, upstreams: { svc: { endpoints: [upstream.address] } } },
      readsAccessLog: false,
    });
  });

  after(async () => {
    await sidecar?.kill();
    await upstream?.stop();
  });

  const dropped = async () => (await sidecar.metrics()).value('outrider_log_dropped_total');

  it('holds up no request: lines are dropped and counted', async () => {
    // Long paths, so that what may wait for the reader is full soon.
    const load = new Load({ port: sidecar.port, workers: 16, request: id => longGet(id), judge: isGood });
    await until(async () => (await dropped()) > 0, 'dropped lines', 60_000);
    await load.stop();
    assert.deepEqual(load.failures, []);
  });

  it('nor does one whose reader has gone', async () => {
    sidecar.child.stdout!.destroy();
    const before = await dropped();
    const load = new Load({ port: sidecar.port, workers: 4, request: id => longGet(id), judge: isGood });
    await until(() => load.succeeded > 500, 'answers', 30_000);
    await load.stop();
    assert.deepEqual(load.failures, []);
    await until(async () => (await dropped()) > before, 'dropped lines');
    assert.equal(await sidecar.stop(), 0);
  });
});

const longGet = (id: string) => `GET /${id}?${'x'.repeat(1_000)} HTTP/1.1\r\nHost: svc\r\n\r\n`;

const isGood: NonNullable<ConstructorParameters<typeof Load>[0]['judge']> = ({ status }) =>
  status === 200 ? null : 'failed';
