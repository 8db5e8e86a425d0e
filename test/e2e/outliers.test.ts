import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultyMode } from './harness/faulty-app.ts';
import { LoadedUpstream } from './harness/loaded-upstream.ts';
import { until } from './harness/until.ts';

interface EndpointState {
  readonly attempts: number;
  readonly ejected?: { readonly reason: string; readonly returnsAt: string };
}

const RATE = 300;

describe('an endpoint that is bad, beside those that are not', () => {
  const svc = new LoadedUpstream();
  const { apps } = svc;
  const bad = async () => (await svc.sidecar.upstream()).endpoints[0] as EndpointState;

  /** Waits until the endpoint is found out, and then for a while. @returns how many requests were sent meanwhile, and how many of them there */
  const during = async (fault: () => unknown) => {
    await fault();
    const isOut = async () => (await bad()).ejected !== undefined;
    await until(isOut, 'its being left out');
    const before = [svc.load.sent, (await bad()).attempts] as const;
    await sleep(3_000);
    const state = await bad();
    return { sent: svc.load.sent - before[0], toBad: state.attempts - before[1], state };
  };

  /** From when it is found out on, it gets what it is tried with. How many it had before that depends on how busy the machine is. */
  const assertHardlyAny = (toBad: number, sent: number) => {
    assert.ok(sent > RATE, `${sent} requests were sent`);
    assert.ok(toBad <= sent / 100, `${toBad} of ${sent} were sent to it`);
  };

  for (const count of [2, 3]) {
    describe(`of ${count}`, () => {
      beforeEach(() => svc.begin(svc.fileOf(apps.slice(0, count)), RATE));

      for (const mode of ['unavailable', 'close', 'slow', 'trickle'] satisfies FaultyMode[]) {
        it(`${mode}: fails nothing, and gets hardly anything`, async () => {
          const { sent, toBad, state } = await during(() => apps[0]!.become(mode));
          assert.deepEqual(svc.load.failures, []);
          assert.ok(state.ejected !== undefined, 'it is left out');
          assert.ok(Date.parse(state.ejected.returnsAt) > 0);
          assertHardlyAny(toBad, sent);
        });
      }

      it('frozen: is found out, what waits there is moved, and it is used again when it goes on', async () => {
        const { sidecar, load } = svc;
        const { sent, toBad, state } = await during(() => apps[0]!.freeze());
        assert.equal(state.ejected?.reason, 'unanswered');
        assertHardlyAny(toBad, sent);
        apps[0]!.thaw();
        await until(async () => (await bad()).ejected === undefined, 'its return', 30_000);
        await load.stop();
        assert.deepEqual(load.failures, []);
        // None waited for a timeout: the first of these is at 15 s, and nothing else would have ended them.
        assert.equal(load.longerThan(5_000), 0);
        const metrics = await sidecar.metrics();
        const reason = { upstream: 'svc', reason: 'unanswered' };
        assert.ok(metrics.value('outrider_upstream_ejections_total', reason) >= 1);
        assert.ok(metrics.value('outrider_upstream_moved_total', { upstream: 'svc' }) >= 1);
        assert.equal(metrics.value('outrider_upstream_ejected_endpoints', { upstream: 'svc' }), 0);
        const moved = sidecar.accessLog.find(({ moves }) => moves === 1);
        assert.match(moved?.tried?.join() ?? '', /^127\.0\.0\.1:\d+ moved,127\.0\.0\.1:\d+ 200$/);
        assert.ok(sidecar.log.some(({ msg }) => msg.includes('is left out for')));
      });
    });
  }

  it('is used on where outlier detection is off', async () => {
    const policy = { outliers: 'off', retry: { attempts: 1 }, balancer: 'round-robin' };
    await svc.begin(svc.fileOf(apps, policy), 100);
    await apps[0]!.become('unavailable');
    await until(() => svc.load.failures.length > 20, 'failures without an end');
    assert.equal((await bad()).ejected, undefined);
  });
});
