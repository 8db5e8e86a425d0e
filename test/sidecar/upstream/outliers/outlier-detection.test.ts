import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { OutlierSettings } from '../../../../control-plane/contract/outliers-policy.ts';
import type { Endpoint } from '../../../../sidecar/upstream/endpoint.ts';
import { OutlierDetection } from '../../../../sidecar/upstream/outliers/outlier-detection.ts';
import { ARequest, members, settingsOf } from './members.ts';

/** What a request ends in: a status, no answer, something that is no answer, or nobody's interest. */
type Ending = number | 'local' | 'gateway' | 'given up';

/** Endpoints whose time passes by hand. */
class Scene {
  readonly all: Endpoint[];
  readonly told: string[] = [];
  readonly silent: string[] = [];
  readonly detection: OutlierDetection<Endpoint>;
  now = 1_000;

  constructor(count: number, settings: OutlierSettings | null = settingsOf()) {
    this.all = members(count);
    this.detection = new OutlierDetection<Endpoint>(
      settings,
      () => 0,
      {
        onEjected: ({ id }, reason) => this.told.push(`${id} ${reason}`),
        onRefused: ({ id }) => this.told.push(`${id} refused`),
        onReturned: ({ id }) => this.told.push(`${id} back`),
        onSilent: ({ id }) => this.silent.push(id),
      },
      this.now,
    );
    this.detection.setMembers(this.all);
  }

  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now = Math.min(end, this.now + 10);
      this.detection.sweep(this.now);
    }
  }

  send(which: number): ARequest {
    const request = new ARequest();
    this.detection.onSent(this.all[which], request, this.now);
    return request;
  }

  /** Another endpoint has answered it. */
  outrun(which: number, request: ARequest): void {
    this.detection.onOutrun(this.all[which], request, this.now);
  }

  end(which: number, request: ARequest, ending: Ending): void {
    const { detection, now } = this;
    const endpoint = this.all[which];
    if (ending === 'given up') return detection.onGivenUp(endpoint, request, now);
    if (typeof ending === 'string') return detection.onFailure(endpoint, request, ending, now);
    detection.onHead(endpoint, request, ending, now);
    if (!request.hasFailed) detection.onWhole(endpoint, request, now);
  }

  /** A request that takes some time. */
  ask(which: number, ending: Ending, ms = 0): void {
    const request = this.send(which);
    if (ms > 0) this.pass(ms);
    this.end(which, request, ending);
  }

  /** Requests to all in turn, each answered after some time. */
  warmUp(rounds = 30, ms = 5): void {
    for (let i = 0; i < rounds; i++)
      for (let which = 0; which < this.all.length; which++) this.ask(which, 200, ms);
    this.pass(600);
  }
}

describe('failures in a row', () => {
  const quiet = { failureRate: null };

  test('five of any kind', () => {
    const scene = new Scene(
      2,
      settingsOf({ ...quiet, consecutiveGatewayFailures: 100, consecutiveLocalFailures: 100 }),
    );
    for (const ending of [500, 503, 'local', 'gateway'] as const) scene.ask(0, ending);
    assert.deepEqual(scene.told, []);
    scene.ask(0, 501);
    assert.deepEqual(scene.told, ['a consecutive-failures']);
  });

  test('of the gateway kind, which another failure interrupts', () => {
    const scene = new Scene(
      2,
      settingsOf({ ...quiet, consecutiveFailures: 100, consecutiveGatewayFailures: 3 }),
    );
    for (const ending of [502, 503, 500, 504, 'gateway', 'local'] as const) scene.ask(0, ending);
    assert.deepEqual(scene.told, ['a consecutive-gateway-failures']);
  });

  test('without an answer, which any answer interrupts', () => {
    const scene = new Scene(
      2,
      settingsOf({ ...quiet, consecutiveFailures: 100, consecutiveGatewayFailures: 100 }),
    );
    for (const ending of ['local', 'local', 500, 'local', 'local', 200, 'local', 'local'] as const)
      scene.ask(0, ending);
    assert.deepEqual(scene.told, []);
    scene.ask(0, 'local');
    assert.deepEqual(scene.told, ['a consecutive-local-failures']);
  });

  test('an answer that breaks off is a failure, and one of 500 that breaks off is one', () => {
    const scene = new Scene(2, settingsOf(quiet));
    for (let i = 0; i < 3; i++) {
      const request = scene.send(0);
      scene.detection.onHead(scene.all[0], request, 200, scene.now);
      scene.end(0, request, 'local');
    }
    assert.deepEqual(scene.told, ['a consecutive-local-failures']);
    for (let i = 0; i < 4; i++) {
      const request = scene.send(1);
      scene.detection.onHead(scene.all[1], request, 500, scene.now);
      scene.end(1, request, 'local');
    }
    assert.equal(scene.all[1].health.window.failed, 4);
  });

  test('what is given up, and what is the fault of the request, counts for nothing', () => {
    const scene = new Scene(2);
    for (let i = 0; i < 20; i++) for (const ending of ['given up', 404, 429] as const) scene.ask(0, ending);
    assert.deepEqual(scene.told, []);
  });

  test('while others are left out, an endpoint that fails stays in use', () => {
    const scene = new Scene(2, settingsOf(quiet));
    for (let i = 0; i < 5; i++) scene.ask(0, 500);
    for (let i = 0; i < 5; i++) scene.ask(1, 500);
    assert.deepEqual(scene.told, ['a consecutive-failures', 'b refused']);
  });

  test('nothing is left out where outlier detection is off, nor an endpoint that is alone', () => {
    for (const scene of [new Scene(2, null), new Scene(1)]) {
      for (let i = 0; i < 50; i++) scene.ask(0, 'local');
      scene.pass(100);
      assert.deepEqual(scene.told, []);
    }
  });
});

describe('rates', () => {
  test('an endpoint that fails a third of its requests is left out after a few, where the others do not', () => {
    const scene = new Scene(3);
    scene.warmUp();
    let requests = 0;
    while (scene.told.length === 0 && requests < 100) {
      scene.ask(0, requests % 3 === 0 ? 503 : 200, 3);
      scene.ask(1, 200, 3);
      scene.ask(2, 200, 4);
      requests++;
    }
    assert.deepEqual(scene.told, ['a failure-rate']);
    assert.ok(requests <= 20, `${requests} requests`);
  });

  test('an endpoint whose first failures come after many good answers of the others, sooner', () => {
    const failuresAfter = (rounds: number) => {
      const scene = new Scene(2);
      scene.warmUp(rounds, 1);
      let failures = 0;
      for (; scene.told.length === 0; failures++) scene.ask(0, 500);
      return failures;
    };
    assert.deepEqual([20, 1_000].map(failuresAfter), [4, 3]);
  });

  test('where all fail alike, nobody is', () => {
    const scene = new Scene(3);
    for (let i = 0; i < 600; i++) scene.ask(i % 3, (i / 3) % 3 < 1 ? 503 : 200, 3);
    assert.deepEqual(scene.told, []);
  });

  test('at one request a second it works the same', () => {
    const scene = new Scene(3);
    for (let i = 0; i < 60; i++) scene.ask(i % 3, i % 3 === 0 && i >= 30 ? 500 : 200, 1_000);
    assert.equal(scene.told[0], 'a failure-rate');
  });

  test('of five endpoints, one whose rate of success is far below the mean', () => {
    const scene = new Scene(5, settingsOf({ failureRate: null, consecutiveFailures: 1_000 }));
    scene.pass(20);
    for (let i = 0; i < 120; i++)
      for (let which = 0; which < 5; which++) scene.ask(which, which === 3 && i % 5 === 0 ? 500 : 200);
    assert.deepEqual(scene.told, []);
    scene.pass(10_000);
    assert.deepEqual(scene.told, ['d success-rate']);
  });

  test('an endpoint that is far slower than the others', () => {
    const scene = new Scene(3);
    scene.warmUp();
    for (let i = 0; i < 40 && scene.told.length === 0; i++) {
      for (const which of [1, 2]) scene.ask(which, 200, 5);
      const request = scene.send(0);
      // Nothing is silent: others answer only behind it.
      scene.now += 200;
      scene.end(0, request, 200);
    }
    assert.deepEqual(scene.told, ['a slow']);
  });

  test('where all become slow, nobody is', () => {
    const scene = new Scene(3);
    scene.warmUp();
    for (let i = 0; i < 60; i++) scene.ask(i % 3, 200, 200);
    assert.deepEqual(scene.told, []);
  });
});

describe('an endpoint that does not answer', () => {
  /** Others answer for so long. */
  const othersAnswer = (scene: Scene, ms: number) => {
    for (let left = ms; left > 0; left -= 10) {
      scene.ask(1, 200, 5);
      scene.ask(2, 200, 5);
    }
  };

  test('is left alone after three requests, long before any timeout', () => {
    const scene = new Scene(3);
    scene.warmUp();
    for (let i = 0; i < 3; i++) {
      scene.send(0);
      othersAnswer(scene, 10);
    }
    const since = scene.now;
    for (let i = 0; i < 5 && scene.told.length === 0; i++) othersAnswer(scene, 10);
    assert.deepEqual(scene.told, ['a unanswered']);
    assert.deepEqual(scene.silent, ['a']);
    assert.ok(scene.now - since <= 30, `${scene.now - since} ms`);
  });

  test('is left alone also where requests do not wait for it, since others answer them', () => {
    const scene = new Scene(3);
    scene.warmUp();
    for (let i = 0; i < 4; i++) {
      const request = scene.send(0);
      othersAnswer(scene, 10);
      scene.outrun(0, request);
    }
    othersAnswer(scene, 10);
    assert.deepEqual(scene.told, ['a unanswered']);
    assert.deepEqual(
      [scene.all[0].failures, scene.all[0].health.window.failed, scene.all[0].health.penalty],
      [0, 0, 0],
    );
  });

  test('is none that answers some of the requests which others answer before', () => {
    const scene = new Scene(3);
    scene.warmUp();
    for (let i = 0; i < 30; i++) {
      const request = scene.send(0);
      othersAnswer(scene, 10);
      scene.outrun(0, request);
      if (i % 2 === 1) scene.ask(0, 200, 5);
    }
    assert.deepEqual(scene.told, []);
  });

  test('is found out by a test where the balancer avoids it', () => {
    const scene = new Scene(3);
    scene.warmUp();
    scene.send(0);
    assert.equal(scene.detection.wanted, null);
    othersAnswer(scene, 20);
    assert.equal(scene.detection.wanted, scene.all[0]);
    assert.equal(scene.detection.take(false, scene.now), null, 'not with a request that can not be moved');
    for (let i = 0; i < 2; i++) {
      assert.equal(scene.detection.take(true, scene.now), scene.all[0]);
      scene.send(0);
    }
    assert.equal(scene.detection.take(true, scene.now), null, 'three are enough');
    othersAnswer(scene, 30);
    assert.deepEqual(scene.told, ['a unanswered']);
  });

  test('is none where a test is answered: the request is slow by nature', () => {
    const scene = new Scene(3);
    scene.warmUp();
    const poll = scene.send(0);
    othersAnswer(scene, 20);
    assert.equal(scene.detection.wanted, scene.all[0]);
    scene.ask(0, 200, 5);
    for (let i = 0; i < 20; i++) {
      othersAnswer(scene, 50);
      scene.ask(0, 200, 5);
    }
    assert.deepEqual(scene.told, []);
    scene.end(0, poll, 200);
  });

  test('is none where a burst of slow requests went to it at once', () => {
    const scene = new Scene(3);
    scene.warmUp();
    for (let i = 0; i < 10; i++) scene.send(0);
    othersAnswer(scene, 100);
    assert.deepEqual(scene.told, []);
    assert.equal(scene.detection.wanted, scene.all[0]);
    scene.ask(0, 200, 5);
    othersAnswer(scene, 100);
    assert.deepEqual(scene.told, []);
  });

  test('is none where nobody answers', () => {
    const scene = new Scene(3);
    scene.warmUp();
    for (let i = 0; i < 30; i++) {
      for (const which of [0, 1, 2]) scene.send(which);
      scene.pass(10);
    }
    assert.deepEqual(scene.told, []);
  });

  test('is none that is as slow as it has always been', () => {
    const scene = new Scene(3);
    for (let i = 0; i < 30; i++) {
      scene.ask(0, 200, 90);
      othersAnswer(scene, 10);
    }
    scene.pass(600);
    for (let i = 0; i < 5; i++) {
      scene.send(0);
      othersAnswer(scene, 20);
    }
    assert.deepEqual(scene.told, []);
  });

  test('is none before anything is known of how long answers take', () => {
    const scene = new Scene(3);
    for (let i = 0; i < 4; i++) {
      scene.send(0);
      scene.ask(1, 200, 20);
    }
    scene.pass(600);
    assert.deepEqual(scene.told, []);
  });

  test('does not count requests that the application still sends', () => {
    const scene = new Scene(3);
    scene.warmUp();
    for (let i = 0; i < 5; i++) {
      scene.send(0).wholeAt = Number.POSITIVE_INFINITY;
      othersAnswer(scene, 20);
    }
    assert.deepEqual(scene.told, []);
  });

  test('is left alone at one request a second too', () => {
    const scene = new Scene(3);
    for (let i = 0; i < 30; i++) scene.ask(i % 3, 200, 1_000);
    // All were that slow, so this takes a while longer.
    for (let i = 0; i < 30 && scene.told.length === 0; i++) {
      scene.send(0);
      scene.ask(1, 200, 1_000);
    }
    assert.deepEqual(scene.told, ['a unanswered']);
  });
});

describe('when other endpoints are there', () => {
  test('one that has left is not left out, whatever becomes of what was under way', () => {
    const scene = new Scene(3);
    const under = Array.from({ length: 5 }, () => scene.send(0));
    scene.detection.setMembers(scene.all.slice(1));
    for (const request of under) scene.end(0, request, 'local');
    assert.deepEqual(scene.told, []);
  });

  test('nothing is learnt from how long an answer takes that was asked for while its endpoint was alone', () => {
    const scene = new Scene(2);
    scene.detection.setMembers(scene.all.slice(0, 1));
    const request = new ARequest();
    scene.now += 60_000;
    scene.detection.setMembers(scene.all);
    scene.end(0, request, 200);
    assert.equal(scene.all[0].health.latencies.count, 0);
    scene.ask(0, 200, 10);
    assert.equal(scene.all[0].health.latencies.count, 1);
  });
});

describe('an endpoint that comes back', () => {
  function leftOut(scene: Scene): void {
    for (let i = 0; i < 5; i++) scene.ask(0, 500);
    scene.pass(10_010);
  }

  test('is tried with one request, and used again when that is answered', () => {
    const scene = new Scene(2, settingsOf({ failureRate: null }));
    leftOut(scene);
    assert.equal(scene.detection.take(true, scene.now), scene.all[0]);
    assert.equal(scene.detection.take(true, scene.now), null);
    const probe = scene.send(0);
    scene.pass(100);
    assert.equal(scene.detection.wanted, null);
    scene.end(0, probe, 200);
    assert.equal(scene.told.at(-1), 'a back');
  });

  test('is left out again when that fails', () => {
    const scene = new Scene(2, settingsOf({ failureRate: null }));
    leftOut(scene);
    scene.ask(0, 503);
    assert.deepEqual(scene.told, ['a consecutive-failures', 'a consecutive-failures']);
    assert.equal(scene.all[0].ejection.phase, 'out');
  });

  test('is used again too where an answer takes longer than a trial, after which another request is tried', () => {
    const scene = new Scene(2, settingsOf({ failureRate: null }));
    leftOut(scene);
    const first = scene.send(0);
    scene.pass(5_010);
    scene.send(0);
    assert.equal(scene.all[0].ejection.phase, 'probing');
    scene.pass(990);
    scene.end(0, first, 200);
    assert.equal(scene.told.at(-1), 'a back');
  });

  test('is tried once more where the request was given up', () => {
    const scene = new Scene(2, settingsOf({ failureRate: null }));
    leftOut(scene);
    scene.ask(0, 'given up');
    scene.pass(10);
    assert.equal(scene.detection.wanted, scene.all[0]);
  });

  test('is tried once more, a little later, where another endpoint answered the request first', () => {
    const scene = new Scene(2, settingsOf({ failureRate: null }));
    leftOut(scene);
    const probe = scene.send(0);
    scene.outrun(0, probe);
    assert.equal(scene.all[0].ejection.count, 1);
    scene.pass(990);
    assert.equal(scene.detection.wanted, null);
    scene.pass(10);
    assert.equal(scene.detection.wanted, scene.all[0]);
  });

  test('is tried with any request when none comes that could be moved', () => {
    const scene = new Scene(2, settingsOf({ failureRate: null }));
    leftOut(scene);
    assert.equal(scene.detection.take(false, scene.now), null);
    scene.pass(1_000);
    assert.equal(scene.detection.take(false, scene.now), scene.all[0]);
  });

  test('is not used again before an answer is whole, where answers broke off', () => {
    const scene = new Scene(2, settingsOf({ failureRate: null }));
    for (let i = 0; i < 3; i++) scene.ask(0, 'local');
    scene.pass(1_010);
    const probe = scene.send(0);
    scene.detection.onHead(scene.all[0], probe, 200, scene.now);
    assert.equal(scene.all[0].ejection.phase, 'probing');
    scene.detection.onWhole(scene.all[0], probe, scene.now);
    assert.equal(scene.all[0].ejection.phase, 'in');
  });

  test('is left out again when it does not answer in time', () => {
    const scene = new Scene(2);
    scene.warmUp();
    for (let i = 0; i < 3; i++) scene.ask(0, 'local');
    scene.pass(1_010);
    scene.send(0);
    for (let i = 0; i < 5; i++) scene.ask(1, 200, 10);
    assert.deepEqual(scene.told, ['a consecutive-local-failures', 'a unanswered']);
  });
});

test('what failures weigh is halved each second, whether anything is sent or not', () => {
  const scene = new Scene(2, null);
  for (let i = 0; i < 4; i++) scene.ask(0, 500);
  scene.ask(0, 429);
  assert.equal(scene.all[0].load, 5);
  assert.equal(scene.detection.isBusy, true);
  scene.pass(1_000);
  assert.ok(Math.abs(scene.all[0].load - 2.5) < 0.01);
  scene.pass(10_000);
  assert.equal(scene.all[0].load, 0);
  assert.equal(scene.detection.isBusy, false);
});

test('what a failure weighs is not forgotten because nobody had looked for a while', () => {
  const scene = new Scene(2, null);
  scene.ask(0, 500);
  scene.pass(10_000);
  scene.now += 60_000;
  scene.ask(0, 500);
  scene.pass(10);
  assert.ok(scene.all[0].load > 0.9, `${scene.all[0].load}`);
});

test('whatever requests end in, nothing is left of them, and somebody is always used', () => {
  const step = fc.record({
    which: fc.nat(3),
    ending: fc.constantFrom<Ending>(200, 404, 429, 500, 503, 'local', 'gateway', 'given up'),
    pass: fc.nat(3_000),
    keep: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 4 }), fc.array(step, { maxLength: 80 }), (count, steps) => {
      const scene = new Scene(count);
      const kept: [number, ARequest][] = [];
      for (const { which: any, ending, pass, keep } of steps) {
        const which = any % count;
        const request = scene.send(which);
        if (keep) kept.push([which, request]);
        else scene.end(which, request, ending);
        scene.pass(pass);
        assert.ok(scene.detection.ejections.out <= Math.floor(count / 2));
        assert.ok(scene.detection.ejections.candidates.length > 0);
      }
      for (const [which, request] of kept) scene.end(which, request, 'given up');
      for (const { health } of scene.all) {
        assert.deepEqual(health.waiting.toArray(), []);
        assert.deepEqual([health.unanswered, health.firstUnanswered], [0, null]);
      }
    }),
    { numRuns: 30 },
  );
});
