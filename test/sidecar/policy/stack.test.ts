import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_POLICY } from '../../../control-plane/contract/default-policy.ts';
import type { Policy } from '../../../control-plane/contract/policy.ts';
import { type FailureKind, failure } from '../../../sidecar/exchange/failure.ts';
import { getField } from '../../../sidecar/exchange/fields.ts';
import { type BodySink, RequestBody } from '../../../sidecar/exchange/request-body.ts';
import { type Call, ENDED_CALL, type ResponseHead } from '../../../sidecar/exchange/service.ts';
import { HttpDate } from '../../../sidecar/io/http-date.ts';
import { AnswerCache } from '../../../sidecar/policy/answer-cache.ts';
import { countedFailures } from '../../../sidecar/policy/breaker.ts';
import { type BreakerSettings, CircuitBreaker, REFUSED } from '../../../sidecar/policy/circuit-breaker.ts';
import { ConcurrencyLimit } from '../../../sidecar/policy/concurrency-limit.ts';
import { HedgeDelay } from '../../../sidecar/policy/hedge-delay.ts';
import { RetryBudget } from '../../../sidecar/policy/retry-budget.ts';
import { buildStack } from '../../../sidecar/policy/stack.ts';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { Application, aCompleteBody, anExchange, type ExchangeParts, START } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { type ScriptedCall, ScriptedService } from '../scripted-service.ts';

interface Settings {
  readonly hedge?: Policy['hedge'];
  readonly timeouts?: Partial<Policy['timeouts']>;
  readonly retry?: Partial<Policy['retry']>;
  readonly fallback?: Policy['fallback'];
}

const FALLBACK: NonNullable<Policy['fallback']> = {
  on: ['failure', '5xx'],
  after: null,
  cached: null,
  upstream: null,
  static: { methods: 'all', status: 200, headers: {}, body: 'instead' },
};

function policyOf({ timeouts, retry, hedge = null, fallback = null }: Settings): Policy {
  return {
    ...DEFAULT_POLICY,
    hedge,
    timeouts: { ...DEFAULT_POLICY.timeouts, ...timeouts },
    retry: { ...DEFAULT_POLICY.retry, ...retry },
    fallback,
  };
}

type MemoryParts = Partial<Parameters<typeof buildStack>[6]>;

/** A stack over a scripted upstream. */
function makeStack(settings: Settings = {}, endpoints = 2, random = 0, parts: MemoryParts = {}) {
  const clock = new HandClock();
  const counters = new UpstreamCounters('inventory');
  const service = new ScriptedService(endpoints);
  const date = new HttpDate(() => Date.UTC(1994, 10, 15, 8, 12, 31));
  const standby = new ScriptedService(1);
  const { wheel } = clock;
  const ageClock = () => clock.now;
  const context = { wheel, accessLog: null, random: () => random, date, ageClock, other: () => standby };
  const policy = policyOf(settings);
  const memory = {
    answers: null,
    breaker: null,
    concurrency: null,
    hedgeDelay: policy.hedge && new HedgeDelay(policy.hedge.after),
    fault: null,
    rate: null,
    counted: { statuses: new Set<number>(), kinds: new Set<FailureKind>() },
    retryBudget: new RetryBudget(policy.retry.budget),
    ...parts,
  };
  const stack = buildStack('inventory', policy, service, counters, context, null, memory);
  return { clock, counters, service, standby, stack };
}

function start(settings: Settings = {}, exchange: ExchangeParts = {}) {
  const { stack, ...parts } = makeStack(settings);
  const reply = new RecordedReply();
  const call = stack.call(anExchange(exchange), reply);
  return { ...parts, reply, call };
}

describe('the order of the layers', () => {
  test('an attempt that took too long is followed by another, within the total', () => {
    const settings = {
      timeouts: { total: 250, attempt: 100 },
      retry: { attempts: 9, on: ['attempt-timeout'] },
    };
    const { clock, service, reply } = start(settings as Settings);
    clock.advance(249);
    assert.deepEqual(
      service.calls.map(({ cancelled }) => cancelled?.kind),
      ['attempt-timeout', 'attempt-timeout', undefined],
    );
    clock.advance(1);
    assert.equal(service.last.cancelled?.kind, 'deadline');
    assert.equal(reply.failure?.kind, 'deadline');
    assert.equal(service.calls.length, 3);
  });

  test('what is counted is what the application sees, once for all attempts', () => {
    const { service, counters, reply } = start({ retry: { attempts: 3 } });
    assert.equal(counters.inFlight, 1);
    service.last.fail('connect-failure');
    service.last.fail('reset');
    service.last.answer(200, 'hello');
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.equal(counters.inFlight, 0);
    assert.deepEqual(counters.answers, [0, 0, 1, 0, 0, 0]);
    assert.equal(counters.retries, 2);
    assert.equal(counters.failures['connect-failure'], 0);
  });
});

describe('attempts that are under way at once', () => {
  const hedge = { after: 20, max: 1 };

  test('are followed by another one when all have failed', () => {
    const { clock, service, counters, reply } = start({ hedge });
    clock.advance(20);
    const [first, second] = service.calls;
    first?.fail('reset');
    assert.equal(service.calls.length, 2);
    second?.fail('reset');
    clock.advance(25);
    assert.equal(service.calls.length, 3);
    service.last.answer(200);
    assert.deepEqual(reply.told, [200, 'end']);
    assert.deepEqual([counters.retries, counters.hedges], [1, 1]);
  });

  test('each have the time of an attempt, and all together the total', () => {
    const { clock, service, reply } = start({ hedge, timeouts: { attempt: 100, total: 110 } });
    clock.advance(109);
    const [first, second] = service.calls;
    assert.deepEqual([first?.cancelled?.kind, second?.cancelled], ['attempt-timeout', null]);
    clock.advance(1);
    assert.equal(second?.cancelled?.kind, 'deadline');
    assert.deepEqual(reply.told, ['deadline']);
  });

  test('win with a small answer once it is whole', () => {
    const { clock, service, reply } = start({ hedge });
    clock.advance(20);
    const [first, second] = service.calls;
    second?.head({ status: 200, bodyLength: 5 });
    second?.flush();
    assert.equal(first?.cancelled, null);
    second?.fail('reset');
    first?.answer(200, 'hello');
    assert.deepEqual(reply.told, [200, 'data', 'end']);
  });
});

describe('a fallback', () => {
  test('covers for the total timeout outside it, at once', () => {
    const { clock, service, reply, counters } = start({ timeouts: { total: 250 }, fallback: FALLBACK });
    clock.advance(250);
    assert.equal(service.last.cancelled?.kind, 'deadline');
    assert.deepEqual([reply.told, reply.body], [[200, 'data', 'end'], 'instead']);
    assert.deepEqual([counters.failures.deadline, counters.answers[2], counters.inFlight], [1, 1, 0]);
  });

  test('gets the body of a request that was answered badly, as long as the application has no answer', () => {
    const fallback = { ...FALLBACK, upstream: 'standby' };
    const parts = { method: 'PUT', body: aCompleteBody('hello') };
    const { service, standby, reply } = start({ fallback, retry: { attempts: 1 } }, parts);
    service.last.answer(503);
    standby.last.answer(200, 'done');
    assert.deepEqual([reply.told, reply.body], [[200, 'data', 'end'], 'done']);
  });

  test('covers for a limit and an open breaker, and neither is told of it', () => {
    const breaker = new CircuitBreaker(
      {
        window: { kind: 'calls', calls: 2 },
        minimumCalls: 2,
        failureRate: 0.5,
        slowCallRate: 1,
        slowCall: 1_000,
        openFor: 1_000,
        openForGrowth: 1,
        openForMax: 1_000,
        halfOpenCalls: 1,
        permitFor: 1_000,
        rampUp: 0,
        forced: null,
      },
      () => 0,
      () => {},
    );
    const counted = countedFailures(['5xx', 'reset']);
    const { wheel } = new HandClock();
    const limits = { max: 1, pending: 0, pendingFor: 1_000 };
    const concurrency = new ConcurrencyLimit(limits, new UpstreamCounters('inventory'), wheel);
    const memory = { breaker, counted, concurrency };
    const { stack, service } = makeStack({ retry: { attempts: 1 }, fallback: FALLBACK }, 2, 0, memory);
    const told = () => {
      const reply = new RecordedReply();
      stack.call(anExchange(), reply);
      return reply;
    };
    const error = ({ answer }: RecordedReply) => getField(answer?.fields ?? [], 'x-outrider-error');
    const first = told();
    assert.equal(error(told()), 'overflow');
    service.last.fail('reset');
    assert.equal(error(first), 'reset');
    told();
    service.last.answer(500);
    assert.equal(breaker.state, 'open');
    assert.equal(error(told()), 'breaker-open');
    assert.equal(service.calls.length, 2);
  });
});

describe('a policy that is off is not in the stack', () => {
  test('no timeouts: nothing is ever broken off', () => {
    const { clock, service } = start({ timeouts: { total: null, attempt: null } });
    clock.jump(24 * 3600 * 1000);
    assert.equal(service.last.cancelled, null);
  });

  test('one attempt: a failure is told as it is', () => {
    const { service, reply } = start({ retry: { attempts: 1 } });
    service.last.fail('connect-failure');
    assert.equal(reply.failure?.kind, 'connect-failure');
    assert.equal(service.calls.length, 1);
  });
});

// Whatever happens in whichever order.

const KINDS: readonly FailureKind[] = [
  'connect-failure',
  'connect-timeout',
  'reset',
  'attempt-timeout',
  'overflow',
  'no-endpoint',
  'bad-response',
];
const STATUSES = [200, 204, 404, 500, 502, 503, 504];

type Step =
  | { readonly step: 'advance'; readonly ms: number }
  | { readonly step: 'interim' | 'data' | 'flush' | 'end' | 'cancel' | 'pause' | 'resume' | 'finish' }
  | { readonly step: 'push'; readonly text: string }
  | { readonly step: 'head'; readonly status: number; readonly bodyLength: number }
  | { readonly step: 'fail'; readonly kind: FailureKind; readonly reachedNobody?: boolean };

const kind = fc.constantFrom(...KINDS);
const status = fc.constantFrom(...STATUSES);
const failing = fc.record({
  step: fc.constant('fail' as const),
  kind,
  reachedNobody: fc.option(fc.boolean(), { nil: undefined }),
});
const heading = fc.record({
  step: fc.constant('head' as const),
  status,
  bodyLength: fc.constantFrom(0, 1, 3, 100_000),
});
const simple = (
  ...steps: ('interim' | 'data' | 'flush' | 'end' | 'cancel' | 'pause' | 'resume' | 'finish')[]
) => fc.record({ step: fc.constantFrom(...steps) });

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ step: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 90 }) }),
  },
  { weight: 4, arbitrary: failing },
  { weight: 2, arbitrary: heading },
  { weight: 5, arbitrary: simple('interim', 'data', 'flush', 'end', 'finish', 'pause', 'resume') },
  { weight: 1, arbitrary: simple('cancel') },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant('push' as const),
      text: fc.string({ minLength: 1, maxLength: 6 }),
    }),
  },
);

/** Half-open with a single trial, which keeps its place for as long as the test may take. */
const TRYING: BreakerSettings = {
  window: { kind: 'calls', calls: 1 },
  minimumCalls: 1,
  failureRate: 0.5,
  slowCallRate: 1,
  slowCall: 50,
  openFor: 0,
  openForGrowth: 1,
  openForMax: 0,
  halfOpenCalls: 1,
  permitFor: 1_000_000,
  rampUp: 0,
  forced: null,
};

/** A breaker that tries with a single call, and a limit of a single place. */
function tightest() {
  const breaker = new CircuitBreaker(
    TRYING,
    () => 0,
    () => {},
  );
  breaker.onResult(breaker.tryAcquire(START), 'failure', 1, START);
  const limits = { max: 1, pending: 0, pendingFor: 1 };
  const concurrency = new ConcurrencyLimit(limits, new UpstreamCounters('inventory'), new HandClock().wheel);
  return { breaker, concurrency, counted: countedFailures(['5xx', 'reset', 'deadline']) };
}

/** What an attempt does before its call comes back. */
const atOnce: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  { weight: 2, arbitrary: failing.map(step => [step]) },
  { weight: 1, arbitrary: heading.map(step => [step]) },
  { weight: 1, arbitrary: heading.map(step => [step, { step: 'data' as const }, { step: 'end' as const }]) },
  { weight: 1, arbitrary: fc.constant([{ step: 'interim' as const }]) },
);

const anyExchange = fc.record({
  settings: fc.record({
    hedge: fc.option(
      fc.record({ after: fc.integer({ min: 10, max: 60 }), max: fc.integer({ min: 1, max: 2 }) }),
    ),
    timeouts: fc.record({
      total: fc.option(fc.integer({ min: 20, max: 300 })),
      attempt: fc.option(fc.integer({ min: 10, max: 150 })),
    }),
    retry: fc.record({
      attempts: fc.integer({ min: 1, max: 4 }),
      on: fc.subarray(['connect-failure', 'reset', 'attempt-timeout', 'gateway-error', '5xx'] as const),
      methods: fc.constantFrom('idempotent' as const, 'any' as const, ['POST']),
    }),
    fallback: fc.option(fc.constant(FALLBACK)),
  }),
  endpoints: fc.integer({ min: 1, max: 3 }),
  random: fc.constantFrom(0, 0.5, 0.999),
  method: fc.constantFrom('GET', 'POST'),
  /** Bytes that are kept of the body; null: the request has none. */
  keep: fc.option(fc.integer({ min: 0, max: 20 })),
  attemptsAtOnce: fc.array(atOnce, { maxLength: 4 }),
  steps: fc.array(anyStep, { maxLength: 25 }),
  /** Whose turn it is at each of the steps: the last attempt, or one before it that is under way too. */
  turns: fc.array(fc.nat(2), { minLength: 25, maxLength: 25 }),
  /** The application gives up in the middle of being told this. */
  givesUpIn: fc.option(fc.constantFrom('informational' as const, 'head' as const, 'data' as const)),
});

/** An application that may give up while it is told something. */
class Impatient extends RecordedReply {
  handle: Call = ENDED_CALL;
  private readonly givesUpIn: string | null;

  constructor(givesUpIn: string | null) {
    super();
    this.givesUpIn = givesUpIn;
  }

  override informational(head: ResponseHead): void {
    super.informational(head);
    this.giveUp('informational');
  }

  override head(head: ResponseHead): void {
    super.head(head);
    this.giveUp('head');
  }

  override data(chunk: Buffer): void {
    super.data(chunk);
    this.giveUp('data');
  }

  private giveUp(where: string): void {
    if (this.givesUpIn === where) this.handle.cancel(failure('client-gone', 'gone'));
  }
}

/** Takes the body as a connection would. */
class Taken implements BodySink {
  text = '';
  isEnded = false;

  write(chunk: Buffer): boolean {
    assert.ok(!this.isEnded);
    this.text += chunk.toString();
    return true;
  }

  end(): void {
    assert.ok(!this.isEnded);
    this.isEnded = true;
  }
}

function act(call: ScriptedCall, step: Step): void {
  if (call.isEnded) return;
  switch (step.step) {
    case 'interim':
      if (!call.hasHead) call.informational();
      return;
    case 'head':
      if (!call.hasHead) call.head({ status: step.status, bodyLength: step.bodyLength });
      return;
    case 'data':
      if (call.hasHead) call.data();
      return;
    case 'flush':
      if (call.hasHead) call.flush();
      return;
    case 'end':
      if (call.hasHead) call.end();
      return;
    case 'fail':
      call.fail(step.kind, step.reachedNobody);
  }
}

test('an answer that is kept grows old by the monotonic clock: whatever the time of day does, it is given no longer', () => {
  const cached = { maxAge: 60_000, vary: [], ignore: [], entrySize: 1_024, size: 65_536, entries: 10 };
  const fallback = { ...FALLBACK, static: null, cached };
  // Its time of day stands still.
  const { clock, service, stack } = makeStack({ fallback }, 1, 0, { answers: new AnswerCache(cached) });
  const ask = (end: 'answer' | 'fail') => {
    const reply = new RecordedReply();
    stack.call(anExchange(), reply);
    if (end === 'answer') service.last.answer(200, 'good');
    else service.last.fail('no-endpoint', true);
    return reply;
  };
  ask('answer');
  clock.advance(60_000);
  const { body, answer } = ask('fail');
  assert.deepEqual([body, getField(answer?.fields ?? [], 'age')], ['good', '60']);
  clock.advance(1);
  assert.equal(ask('fail').failure?.kind, 'no-endpoint');
});

describe('whatever happens, in whichever order', () => {
  test('a call ends once, its attempts are made one after another, and nothing is left behind', () => {
    fc.assert(
      fc.property(
        anyExchange,
        ({ settings, endpoints, random, method, keep, attemptsAtOnce, steps, turns, givesUpIn }) => {
          const memory = tightest();
          const { clock, counters, service, stack } = makeStack(settings, endpoints, random, memory);
          const reply = new Impatient(givesUpIn);
          const body = keep === null ? null : new RequestBody(new Application(), 1000, keep);
          const taken: Taken[] = [];
          let sent = '';
          service.onCall = call => {
            assert.ok(!reply.isEnded, 'an attempt after the end');
            if (settings.hedge === null || method === 'POST')
              assert.ok(service.calls.every(other => other === call || other.isEnded));
            const sink = new Taken();
            taken.push(sink);
            body?.attach(sink);
            call.onEnd = () => body?.detach(sink);
            for (const step of attemptsAtOnce[service.calls.length - 1] ?? []) act(call, step);
          };
          const exchange = anExchange({ method, body });
          reply.handle = stack.call(exchange, reply);
          for (const [i, step] of steps.entries()) {
            const { total } = settings.timeouts;
            if (step.step === 'advance') clock.advance(step.ms);
            else if (step.step === 'cancel') reply.handle.cancel(failure('client-gone', 'gone'));
            else if (step.step === 'pause') reply.handle.pause();
            else if (step.step === 'resume') reply.handle.resume();
            else if (step.step === 'push') {
              if (body === null || body.isComplete) continue;
              body.push(Buffer.from(step.text));
              sent += step.text;
              if (!service.last.isEnded) assert.equal(taken.at(-1)?.text, sent);
            } else if (step.step === 'finish') {
              if (body === null || body.isComplete) continue;
              body.completedAt = clock.now;
              body.finish(null);
            } else act(service.calls.at(-1 - turns[i]) ?? service.last, step);
            if (
              total !== null &&
              (body?.isComplete ?? true) &&
              clock.now - (body?.completedAt || START) >= total
            )
              assert.ok(reply.isEnded || reply.answer !== null, 'nothing was told within the total');
          }

          reply.handle.cancel(failure('client-gone', 'gone'));
          assert.ok(reply.isEnded);
          const lateCancels = () => service.calls.reduce((sum, call) => sum + call.lateCancels, 0);
          const made = service.calls.length;
          const told = reply.told.length;
          for (const stale of [reply.handle, ...service.calls]) {
            stale.pause();
            stale.resume();
            stale.cancel(failure('client-gone', 'gone again'));
          }
          const late = lateCancels();
          clock.jump(100_000);
          assert.equal(lateCancels(), late, 'a timer that was still running');
          assert.equal(service.calls.length, made, 'an attempt after the end');
          assert.equal(reply.told.length, told);

          assert.ok(service.calls.every(call => call.isEnded));
          assert.ok(made <= settings.retry.attempts);
          assert.equal(counters.inFlight, 0);
          assert.equal(memory.concurrency.inFlight, 0);
          assert.notEqual(memory.breaker.tryAcquire(clock.now), REFUSED, 'a place among the trials was kept');
          assert.equal(
            counters.answers.reduce((sum, count) => sum + count),
            1,
          );
          assert.equal(counters.retries, made - 1 - counters.hedges);
          assert.ok(counters.hedges <= (settings.hedge?.max ?? 0) * (counters.retries + 1));
          if (method === 'POST' && settings.retry.methods === 'idempotent') {
            assert.equal(counters.hedges, 0);
            for (const { failed } of service.calls.slice(0, -1)) assert.ok(failed?.reachedNobody);
          }
          for (const { text } of taken) assert.ok(sent.startsWith(text));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
