import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LoadedUpstream } from './harness/loaded-upstream.ts';
import { until } from './harness/until.ts';

interface EndpointState {
  readonly attempts: number;
  readonly share?: string;
}

describe('an endpoint that is new to an upstream under load', () => {
  const svc = new LoadedUpstream();

  const fileOf = (which: readonly number[]) => {
    // Who is left out because the machine was busy would give no share to take over.
    const outliers = { rampUp: '10s', slow: 'off', unanswered: 'off' };
    return svc.fileOf(
      which.map(i => svc.apps[i]!),
      { balancer: 'round-robin', outliers },
    );
  };
  const begin = (which: readonly number[]) => svc.begin(fileOf(which), 200);
  const endpoints = async () => (await svc.sidecar.upstream()).endpoints as readonly EndpointState[];

  it('gets a growing part of the requests, and all of its part in the end', async () => {
    await begin([0, 1]);
    const { sidecar, load } = svc;
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
    const { sidecar, load } = svc;
    await sidecar.reconfigure(fileOf([1, 2]));
    assert.deepEqual(
      (await endpoints()).map(({ share }) => share),
      [undefined, undefined],
    );
    await load.stop();
    assert.deepEqual(load.failures, []);
  });
});
