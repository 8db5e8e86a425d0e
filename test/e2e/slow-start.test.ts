import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { FaultyApp } from './harness/faulty-app.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { SteadyLoad } from './harness/steady-load.ts';
import { until } from './harness/until.ts';

interface EndpointState {
  readonly attempts: number;
  readonly share?: string;
}

describe('an endpoint that is new to an upstream under load', () => {
  const apps: FaultyApp[] = [];
  let sidecar: SidecarProcess;
  let load: SteadyLoad;

  before(async () => {
    for (const name of ['a', 'b', 'c']) apps.push(await FaultyApp.start(name));
  });

  after(async () => {
    for (const app of apps) await app.kill();
  });

  afterEach(async () => {
    await load?.stop();
    await sidecar?.kill();
  });

  const fileOf = (which: readonly number[]) => {
    const endpoints = which.map(i => apps[i]!.address);
    // Who is left out because the machine was busy would give no share to take over.
    const outliers = { rampUp: '10s', slow: 'off', unanswered: 'off' };
    const policy = { balancer: 'round-robin', outliers };
    return { upstreams: { svc: { endpoints, policy } } };
  };
  const begin = async (which: readonly number[]) => {
    sidecar = await SidecarProcess.start({ file: fileOf(which) });
    load = new SteadyLoad({ port: sidecar.port, perSecond: 200 });
    await until(() => load.answered > 200, 'a while of good answers');
  };
  const endpoints = async () => (await sidecar.upstream()).endpoints as readonly EndpointState[];

  it('gets a growing part of the requests, and all of its part in the end', async () => {
    await begin([0, 1]);
    await sidecar.reconfigure(fileOf([0, 1, 2]));
    assert.ok((await endpoints())[2]!.share !== undefined, 'it is shown');
    /** Of the next so many requests, the part that it gets. */
    const partOf = async (count: number) => {
      const first = await endpoints();
      const [sent, before] = [load.sent, first[2]!.attempts];
      await until(() => load.sent >= sent + count, 'some requests');
      return ((await endpoints())[2]!.attempts - before) / (load.sent - sent);
    };
    const early = await partOf(200);
    assert.ok(early > 0 && early < 0.2, `${early} at first`);
    await until(async () => (await endpoints())[2]!.share === undefined, 'the end of it', 30_000);
    const late = await partOf(200);
    assert.ok(late > 0.25, `${late} in the end`);
    await load.stop();
    assert.deepEqual(load.failures, []);
  });

  it('has its whole part at once where it takes the place of another', async () => {
    await begin([0, 1]);
    await sidecar.reconfigure(fileOf([1, 2]));
    assert.deepEqual(
      (await endpoints()).map(({ share }) => share),
      [undefined, undefined],
    );
    await load.stop();
    assert.deepEqual(load.failures, []);
  });
});
