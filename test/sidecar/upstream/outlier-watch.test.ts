import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { type FailureKind, failure } from '../../../sidecar/exchange/failure.ts';
import { Attempt } from '../../../sidecar/upstream/attempt.ts';
import type { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { OutlierWatch } from '../../../sidecar/upstream/outlier-watch.ts';
import { anExchange, type ExchangeParts } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { members, settingsOf } from './outliers/members.ts';

let clock: HandClock;
let watch: OutlierWatch;
let all: Endpoint[];
beforeEach(() => {
  clock = new HandClock();
  watch = new OutlierWatch({
    settings: settingsOf(),
    moves: () => true,
    wheel: clock.wheel,
    random: () => 0,
  });
  all = members(2);
  watch.setMembers(all);
});

const NOTHING = { pause() {}, resume() {}, abandon() {} };
const ROOM = { acquire() {}, leave() {}, waitedTooLong() {} };

/** An attempt at the first endpoint, which has a connection. */
function anAttempt(
  { callerDeadline, ...parts }: ExchangeParts & { callerDeadline?: number } = {},
  other: Endpoint | null = null,
) {
  const exchange = anExchange({ startedAt: clock.now, ...parts });
  if (callerDeadline !== undefined) exchange.callerDeadline = callerDeadline;
  const nowhere = { choose: () => failure('no-endpoint', 'none', true), chooseOther: () => other };
  const attempt = new Attempt(exchange, new RecordedReply(), all[0]!, ROOM, nowhere, watch);
  attempt.noteCarried(NOTHING);
  return attempt;
}

/** Ends the attempt after a while. @returns whether its endpoint is blamed for it */
function isBlamed(attempt: Attempt, kind: FailureKind, after: number): boolean {
  clock.advance(after);
  const [endpoint] = all;
  const before = endpoint!.failures;
  attempt.cancel(failure(kind, 'over'));
  assert.equal(endpoint!.health.localFailuresInARow, endpoint!.failures);
  return endpoint!.failures > before;
}

describe('an attempt that is cancelled', () => {
  test('speaks against its endpoint where its time is over, and not where the application has gone', () => {
    assert.equal(isBlamed(anAttempt(), 'attempt-timeout', 200), true);
    assert.equal(isBlamed(anAttempt(), 'deadline', 200), true);
    assert.equal(isBlamed(anAttempt(), 'client-gone', 200), false);
  });

  test('says nothing while a limit of the sidecar keeps it from having a connection', () => {
    for (const kind of ['attempt-timeout', 'deadline'] as const) {
      const attempt = anAttempt();
      attempt.noteQueued();
      assert.equal(isBlamed(attempt, kind, 200), false, kind);
    }
    const attempt = anAttempt();
    attempt.noteQueued();
    attempt.noteCarried(NOTHING);
    assert.equal(isBlamed(attempt, 'attempt-timeout', 200), true);
  });

  test('says nothing where it was the endpoint’s business for the least part of the time', () => {
    assert.equal(isBlamed(anAttempt({ startedAt: clock.now - 1_000 }), 'deadline', 200), false);
  });

  test('says nothing where its caller was in a hurry', () => {
    const hasty = () => anAttempt({ callerDeadline: clock.now + 200 });
    assert.equal(isBlamed(hasty(), 'deadline', 200), false);
    const patient = anAttempt({ callerDeadline: clock.now + 1_000 });
    assert.equal(isBlamed(patient, 'deadline', 1_000), true);
    // Where answers take a few milliseconds, 200 are no hurry.
    all[0]!.health.slowLimit = 100;
    assert.equal(isBlamed(hasty(), 'deadline', 200), true);
  });
});

test('of what waits at an endpoint that does not answer, what may be is moved', () => {
  watch.configure(settingsOf(), ({ head }) => head.method !== 'PUT');
  const attempts = ['GET', 'PUT', 'POST'].map(method => anAttempt({ method }, all[1]));
  watch.onSilent(all[0]!);
  assert.deepEqual(
    attempts.map(({ exchange }) => exchange.moves),
    [1, 0, 0],
  );
});
