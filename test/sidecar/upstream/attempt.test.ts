import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure, OUTRUN } from '../../../sidecar/exchange/failure.ts';
import { Attempt, type Chooser } from '../../../sidecar/upstream/attempt.ts';
import { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { anExchange, aResponseHead, aTunnel } from '../exchanges.ts';
import { RecordedReply } from '../recorded-reply.ts';

const GONE = failure('client-gone', 'gone');

const NOWHERE_ELSE: Chooser = {
  choose: () => failure('no-endpoint', 'none', true),
  chooseOther: () => null,
};

function anEndpoint(id: string): Endpoint {
  return new Endpoint({ id, address: '10.0.0.1', port: 80, weight: 1, zone: null, version: null });
}

/** Notes what is asked of it, as a waiting room and as a carrier. */
class Holder {
  readonly told: string[] = [];
  acquire = () => void this.told.push('acquire');
  leave = () => void this.told.push('leave');
  waitedTooLong = () => void this.told.push('waited too long');
  pause = () => void this.told.push('pause');
  resume = () => void this.told.push('resume');
  abandon = () => void this.told.push('abandon');
}

function anAttempt(exchange = anExchange(), endpoint = anEndpoint('a'), chooser = NOWHERE_ELSE) {
  const reply = new RecordedReply();
  const holder = new Holder();
  const attempt = new Attempt(exchange, reply, endpoint, holder, chooser);
  return { attempt, reply, holder, exchange, endpoint };
}

describe('an attempt', () => {
  test('is noted with its exchange and its endpoint', () => {
    const { exchange, endpoint } = anAttempt();
    const other = anEndpoint('b');
    anAttempt(exchange, other);
    assert.equal(exchange.attempts, 2);
    assert.deepEqual(exchange.tried, [endpoint, other]);
    assert.deepEqual([endpoint.attempts, endpoint.outstanding, endpoint.failures], [1, 1, 0]);
  });

  test('that is heard of is the current one of those that are under way', () => {
    for (const hear of [
      (attempt: Attempt) => attempt.head(aResponseHead()),
      (attempt: Attempt) => attempt.fail(failure('reset', 'lost')),
      (attempt: Attempt) => attempt.cancel(failure('attempt-timeout', 'late')),
    ]) {
      const { attempt, exchange, endpoint } = anAttempt();
      const other = anEndpoint('b');
      const { attempt: beside } = anAttempt(exchange, other);
      hear(attempt);
      assert.deepEqual(exchange.tried, [other, endpoint]);
      beside.cancel(OUTRUN);
      assert.deepEqual(exchange.tried, [other, endpoint]);
    }
  });

  test('that was outrun by another counts for nothing, and its connection is closed', () => {
    const { attempt, reply, endpoint, holder } = anAttempt();
    attempt.carrier = holder;
    attempt.cancel(OUTRUN);
    assert.deepEqual(holder.told, ['abandon']);
    assert.equal(reply.failure, OUTRUN);
    assert.deepEqual([endpoint.outstanding, endpoint.failures], [0, 0]);
  });

  test('moves in the place of its own endpoint', () => {
    const { attempt, exchange } = anAttempt();
    const [other, third] = [anEndpoint('b'), anEndpoint('c')];
    anAttempt(exchange, other);
    attempt.moveTo(third);
    assert.deepEqual(exchange.tried, [third, other]);
  });

  test('passes on what comes, and ends once', () => {
    const { attempt, reply, endpoint } = anAttempt();
    attempt.informational(aResponseHead({ status: 103 }));
    attempt.head(aResponseHead());
    attempt.data(Buffer.from('x'));
    attempt.flush();
    attempt.end(['X-Sum', '1']);
    attempt.end(null);
    attempt.fail(failure('reset', 'late'));
    attempt.cancel(GONE);
    assert.deepEqual(reply.told, [103, 200, 'data', 'flush', 'end']);
    assert.deepEqual(reply.trailers, ['X-Sum', '1']);
    assert.equal(attempt.isEnded, true);
    assert.deepEqual([endpoint.outstanding, endpoint.failures], [0, 0]);
  });

  test('that fails counts against its endpoint', () => {
    const { attempt, reply, endpoint } = anAttempt();
    attempt.fail(failure('reset', 'lost'));
    attempt.fail(failure('reset', 'again'));
    assert.deepEqual(reply.told, ['reset']);
    assert.deepEqual([endpoint.outstanding, endpoint.failures], [0, 1]);
  });

  test('that is answered with a 5xx counts against it too', () => {
    for (const [status, failures] of [
      [499, 0],
      [500, 1],
      [503, 1],
    ]) {
      const { attempt, endpoint } = anAttempt();
      attempt.head(aResponseHead({ status }));
      attempt.end(null);
      assert.equal(endpoint.failures, failures);
    }
  });

  test('that the own limits refused says nothing of the endpoint', () => {
    const { attempt, endpoint } = anAttempt();
    attempt.fail(failure('overflow', 'too many'));
    assert.equal(endpoint.failures, 0);
  });
});

describe('the handle of an attempt', () => {
  test('leaves the line while it waits', () => {
    const { attempt, reply, holder, endpoint } = anAttempt();
    attempt.pause();
    attempt.resume();
    attempt.cancel(GONE);
    assert.deepEqual(holder.told, ['leave']);
    assert.equal(reply.failure, GONE);
    assert.deepEqual([endpoint.outstanding, endpoint.failures], [0, 0]);
  });

  test('is that of its connection once it has one', () => {
    const { attempt, holder } = anAttempt();
    attempt.carrier = holder;
    attempt.pause();
    attempt.resume();
    attempt.cancel(GONE);
    assert.deepEqual(holder.told, ['pause', 'resume', 'abandon']);
  });

  test('means nothing after the end', () => {
    const { attempt, holder } = anAttempt();
    attempt.carrier = holder;
    attempt.head(aResponseHead());
    attempt.end(null);
    attempt.pause();
    attempt.resume();
    attempt.cancel(GONE);
    assert.deepEqual(holder.told, []);
  });
});

test('only a tunnel needs a connection that carried nothing before', () => {
  assert.equal(anAttempt().attempt.needsFresh, false);
  const { tunnel } = aTunnel();
  assert.equal(anAttempt(anExchange({ upgrade: 'websocket', tunnel })).attempt.needsFresh, false);
  assert.equal(anAttempt(anExchange({ method: 'CONNECT', tunnel })).attempt.needsFresh, true);
});

test('a waiting attempt may move to another endpoint, and is counted there', () => {
  const { attempt, exchange, endpoint } = anAttempt();
  const other = anEndpoint('b');
  attempt.moveTo(endpoint);
  attempt.moveTo(other);
  assert.equal(attempt.endpoint, other);
  assert.deepEqual(exchange.tried, [other]);
  assert.deepEqual([endpoint.attempts, endpoint.outstanding], [0, 0]);
  assert.deepEqual([other.attempts, other.outstanding], [1, 1]);
  attempt.fail(failure('reset', 'lost'));
  assert.deepEqual([endpoint.failures, other.failures, other.outstanding], [0, 1, 0]);
});

test('the timer of the wait tells the waiting room', () => {
  const { attempt, holder } = anAttempt();
  assert.equal(attempt.timer, attempt.timer);
  attempt.timer.owner.onTimer(attempt.timer);
  assert.deepEqual(holder.told, ['waited too long']);
});

describe('an attempt whose endpoint does not answer', () => {
  const other = anEndpoint('b');
  const elsewhere: Chooser = { ...NOWHERE_ELSE, chooseOther: () => other };

  test('is sent to another, which is no further attempt', () => {
    const { attempt, exchange, holder, endpoint } = anAttempt(anExchange(), anEndpoint('a'), elsewhere);
    attempt.noteCarried(holder);
    assert.equal(attempt.moveAway(), true);
    assert.deepEqual(holder.told, ['abandon', 'acquire']);
    assert.deepEqual([exchange.attempts, exchange.moves], [1, 1]);
    assert.deepEqual(exchange.tried, [endpoint, other]);
    assert.deepEqual([endpoint.outstanding, other.outstanding, endpoint.failures], [0, 1, 1]);
  });

  for (const [why, method, chooser, hasHead] of [
    ['it is not idempotent', 'POST', elsewhere, false],
    ['there is no other', 'GET', NOWHERE_ELSE, false],
    ['its answer has begun', 'GET', elsewhere, true],
  ] as const) {
    test(`stays where it is if ${why}`, () => {
      const { attempt, exchange, holder } = anAttempt(anExchange({ method }), anEndpoint('a'), chooser);
      attempt.noteCarried(holder);
      if (hasHead) attempt.head(aResponseHead());
      assert.equal(attempt.moveAway(), false);
      assert.deepEqual([holder.told, exchange.moves], [[], 0]);
    });
  }
});

describe('what an attempt came to is noted', () => {
  const endsOf = (...deeds: ((attempt: Attempt) => void)[]) => {
    const exchange = anExchange();
    for (const [i, deed] of deeds.entries()) deed(anAttempt(exchange, anEndpoint(`e${i}`)).attempt);
    return exchange.ends?.map(({ cameTo }) => cameTo) ?? null;
  };
  const answered = (status: number) => (attempt: Attempt) => {
    attempt.head(aResponseHead({ status }));
    attempt.end(null);
  };

  test('where it is not the only one that went well', () => {
    assert.equal(endsOf(answered(200)), null);
    assert.deepEqual(endsOf(answered(503)), [503]);
    assert.deepEqual(endsOf(answered(503), answered(200)), [503, 200]);
  });

  test('as what it failed with, was cancelled with, or as outrun', () => {
    assert.deepEqual(
      endsOf(
        attempt => attempt.fail(failure('reset', 'lost')),
        attempt => attempt.cancel(failure('attempt-timeout', 'late')),
        attempt => attempt.cancel(OUTRUN),
      ),
      ['reset', 'attempt-timeout', 'outrun'],
    );
  });

  test('once: what breaks off later is told of as what it was answered with', () => {
    const breaksOff = (attempt: Attempt) => {
      attempt.head(aResponseHead({ status: 503 }));
      attempt.fail(failure('reset', 'lost'));
    };
    assert.deepEqual(endsOf(breaksOff), [503]);
  });

  test('also where it was moved away from an endpoint', () => {
    const other = anEndpoint('b');
    const exchange = anExchange();
    const chooser = { ...NOWHERE_ELSE, chooseOther: () => other };
    const { attempt } = anAttempt(exchange, anEndpoint('a'), chooser);
    assert.equal(attempt.moveAway(), true);
    answered(200)(attempt);
    assert.deepEqual(
      exchange.ends?.map(({ cameTo }) => cameTo),
      ['moved', 200],
    );
  });
});
