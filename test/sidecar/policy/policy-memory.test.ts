import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Policy } from '../../../control-plane/contract/policy.ts';
import { REFUSED } from '../../../sidecar/policy/circuit-breaker.ts';
import { PolicyMemory } from '../../../sidecar/policy/policy-memory.ts';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { HandClock } from '../hand-clock.ts';
import { policyOf } from '../policies.ts';

let counters: UpstreamCounters;
let told: string[];
let refuses: boolean;
beforeEach(() => {
  counters = new UpstreamCounters('inventory');
  told = [];
  refuses = false;
});

const aMemory = (callers: readonly string[] = []) =>
  new PolicyMemory({
    callers: new Set(callers),
    refusesFaults: () => refuses,
    random: () => 0,
    counters,
    wheel: new HandClock().wheel,
    onBreakerChange: ({ from, to }) => told.push(`${from} -> ${to}`),
  });

const withBreaker = (breaker: string): Policy => policyOf(`breaker: ${breaker}`);

function fail(memory: PolicyMemory, times: number): void {
  for (let i = 0; i < times; i++) memory.breaker?.onResult(memory.breaker.tryAcquire(0), 'failure', 1, 0);
}

test('there is no breaker where the policy has none', () => {
  const memory = aMemory();
  memory.configure(policyOf('{}'), 0);
  assert.equal(memory.breaker, null);
});

test('the breaker stays, with what it has counted, while other settings change', () => {
  const memory = aMemory();
  memory.configure(withBreaker('{ windowCalls: 4, minimumCalls: 4 }'), 0);
  fail(memory, 3);
  memory.configure(
    policyOf('breaker: { windowCalls: 4, minimumCalls: 4, openFor: 1s }\ntimeouts: { total: 1s }'),
    0,
  );
  fail(memory, 1);
  assert.equal(memory.breaker?.state, 'open');
  assert.equal(memory.breaker?.retryAfter(0), 1000);
});

test('its state is counted, and told', () => {
  const memory = aMemory();
  memory.configure(withBreaker('{ minimumCalls: 1 }'), 0);
  assert.equal(counters.breakerState, 'closed');
  fail(memory, 1);
  assert.deepEqual([counters.breakerState, counters.breakerOpened, told], ['open', 1, ['closed -> open']]);
  memory.configure(policyOf('{}'), 0);
  assert.equal(counters.breakerState, 'closed');
});

test('a breaker that the policy has no more is not told of', () => {
  const memory = aMemory();
  memory.configure(withBreaker('{ minimumCalls: 1 }'), 0);
  const { breaker } = memory;
  const permit = breaker!.tryAcquire(0);
  memory.configure(policyOf('{}'), 0);
  breaker!.onResult(permit, 'failure', 1, 0);
  assert.deepEqual([counters.breakerState, counters.breakerOpened, told], ['closed', 0, []]);
});

test('a hand on it is for all sidecars, or for those that are named by service or id', () => {
  const states = (breaker: string) => {
    const memory = aMemory(['orders', '8f14e45f']);
    memory.configure(withBreaker(breaker), 0);
    return [memory.breaker?.state, memory.breaker?.tryAcquire(0) === REFUSED];
  };
  assert.deepEqual(states('{ force: { state: open } }'), ['forced-open', true]);
  assert.deepEqual(states('{ force: { state: open, callers: [gateway, orders] } }'), ['forced-open', true]);
  assert.deepEqual(states('{ force: { state: "off", callers: [8f14e45f] } }'), ['off', false]);
  assert.deepEqual(states('{ force: { state: open, callers: [gateway] } }'), ['closed', false]);
});

test('a limit that is found out is forgotten where it is told, and where there is none', () => {
  const memory = aMemory();
  memory.configure(policyOf('limits: { concurrency: adaptive }'), 0);
  const { concurrency } = memory;
  assert.equal(concurrency?.adaptive?.limit, 10_000);
  assert.equal(counters.concurrencyLimit, 10_000);
  memory.configure(policyOf('limits: { concurrency: { max: 50 } }'), 0);
  assert.deepEqual([memory.concurrency === concurrency, concurrency?.max], [true, 50]);
  memory.configure(policyOf('limits: { concurrency: 5 }'), 0);
  assert.deepEqual(
    [memory.concurrency === concurrency, concurrency?.max, concurrency?.adaptive],
    [true, 5, null],
  );
  memory.configure(policyOf('{}'), 0);
  assert.deepEqual([memory.concurrency, counters.concurrencyLimit], [null, 0]);
});

test('how many requests may be sent again at once is taken over, and those that are stay counted', () => {
  const memory = aMemory();
  memory.configure(policyOf('{}'), 0);
  memory.retryBudget.running = 3;
  assert.equal(memory.retryBudget.isFull, false);
  memory.configure(policyOf('limits: { retries: 3 }'), 0);
  assert.equal(memory.retryBudget.isFull, true);
  memory.configure(policyOf('limits: { retries: 4 }'), 0);
  assert.equal(memory.retryBudget.isFull, false);
});

test('the places that are taken stay taken when the limit changes, and the tokens that are gone stay gone', () => {
  const memory = aMemory();
  memory.configure(policyOf('limits: { concurrency: 5 }\nrateLimit: { rate: 2 }'), 0);
  const { concurrency } = memory;
  assert.ok(concurrency && memory.rate);
  concurrency.inFlight = 3;
  assert.equal(memory.rate.take('', 0), 0);
  memory.configure(policyOf('limits: { concurrency: 4 }\nrateLimit: { rate: 2, per: 2s }'), 0);
  assert.equal(memory.concurrency, concurrency);
  assert.deepEqual([concurrency.max, concurrency.inFlight], [4, 3]);
  assert.deepEqual([memory.rate.take('', 0), memory.rate.take('', 0)], [0, 1000]);
  memory.configure(policyOf('{}'), 0);
  assert.deepEqual([memory.concurrency, memory.rate], [null, null]);
});

test('what hedging knows of latencies stays while its settings change, and goes with it', () => {
  const memory = aMemory();
  memory.configure(policyOf('hedge: {}'), 0);
  const { hedgeDelay } = memory;
  for (let i = 0; i < 100; i++) hedgeDelay?.add(10, 0);
  memory.configure(policyOf('hedge: { after: p50, max: 2 }'), 0);
  assert.equal(memory.hedgeDelay, hedgeDelay);
  assert.equal(hedgeDelay?.at(0), 12);
  memory.configure(policyOf('{}'), 0);
  assert.equal(memory.hedgeDelay, null);
});

test('the time of a fault goes on while other settings change, and begins anew with its own', () => {
  const memory = aMemory();
  memory.configure(policyOf('fault: { abort: {}, ttl: 1m }'), 1_000);
  const { fault } = memory;
  memory.configure(policyOf('fault: { abort: {}, ttl: 1m }\ntimeouts: { total: 1s }'), 31_000);
  assert.equal(memory.fault, fault);
  assert.equal(fault?.left(31_000), 30_000);
  memory.configure(policyOf('fault: { abort: { with: 500 }, ttl: 1m }'), 31_000);
  assert.equal(fault?.left(31_000), 60_000);
  memory.configure(policyOf('{}'), 32_000);
  assert.equal(memory.fault, null);
});

test('faults are for all sidecars, or for those that are named, and some refuse them', () => {
  const memory = aMemory(['orders', '8f14e45f']);
  const isFaulty = (callers: string) => {
    memory.configure(policyOf(`fault: { abort: {}, callers: [${callers}] }`), 0);
    return memory.fault !== null;
  };
  assert.deepEqual(['', 'gateway', 'gateway, orders', '8f14e45f'].map(isFaulty), [true, false, true, true]);
  assert.equal(memory.isFaultRefused, false);
  refuses = true;
  assert.deepEqual([isFaulty(''), memory.isFaultRefused], [false, true]);
  assert.deepEqual([isFaulty('gateway'), memory.isFaultRefused], [false, false]);
});

test('the same value of another header has a rate of its own', () => {
  const memory = aMemory();
  memory.configure(policyOf('rateLimit: { rate: 1, header: x-tenant }'), 0);
  assert.equal(memory.rate?.take('a', 0), 0);
  memory.configure(policyOf('rateLimit: { rate: 1, header: x-user }'), 0);
  assert.equal(memory.rate?.take('a', 0), 0);
});

test('answers are kept while other settings change, and forgotten where the rules do by which they were kept', () => {
  const memory = aMemory();
  memory.configure(policyOf('{}'), 0);
  assert.equal(memory.answers, null);
  const answers = () => memory.answers;
  const keep = (to = answers()) =>
    to?.put({ target: 'a', authority: 'svc', fields: [] }, [], {
      status: 200,
      reason: '',
      fields: [],
      body: '',
      bornAt: 0,
      usableFor: 1,
    });
  const kept = (cached: string) => {
    memory.configure(policyOf(`fallback: { cached: ${cached} }`), 0);
    return memory.answers?.count;
  };
  assert.equal(kept('{}'), 0);
  keep();
  assert.equal(kept('{ maxAge: 2m, size: 1MiB }'), 1);
  assert.equal(kept('{ vary: [x-tenant] }'), 0);
  keep();
  const before = answers();
  assert.equal(kept('{ vary: [x-tenant], ignore: [cookie] }'), 0);
  // An answer that was under way meanwhile, and is to be kept by the rules that it began with.
  keep(before);
  assert.equal(kept('{ vary: [x-tenant], ignore: [cookie] }'), 0);
  memory.configure(policyOf('fallback: { static: {} }'), 0);
  assert.equal(memory.answers, null);
});
