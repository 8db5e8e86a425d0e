import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arrivals } from './arrivals.ts';
import { figuresOf, type Observed } from './figures.ts';
import type { SentRequest } from './load-order.ts';

/** A fault from 1,000 to 2,000 ms. */
function figures(
  requests: readonly SentRequest[],
  told: readonly string[][] = [[]],
  given: Partial<Observed> = {},
) {
  const arrivals = told.map(lines => {
    const endpoint = new Arrivals();
    for (const line of lines) endpoint.add(line);
    return endpoint;
  });
  return figuresOf({
    requests,
    arrivals,
    bad: [],
    startedAt: 1_000,
    endedAt: 2_000,
    ends: true,
    capacity: null,
    ...given,
  });
}

function request(id: number, given: Partial<SentRequest> = {}): SentRequest {
  return { id, isPost: false, sentAt: 1_000 + id, tookMs: 6, result: 'good', ...given };
}

test('everything but a right answer of 200 is a failure', () => {
  const results = ['good', 503, 'none', 'torn', 'wrong', 'left'] as const;
  const { requests, failed, torn, wrong, left } = figures(
    results.map((result, id) => request(id, { result })),
  );
  assert.deepEqual(
    { requests, failed, torn, wrong, left },
    { requests: 6, failed: 4, torn: 1, wrong: 1, left: 1 },
  );
});

test('GETs and POSTs are told apart', () => {
  const { failedGets, failedPosts } = figures([
    request(1, { result: 502 }),
    request(2, { result: 'none', isPost: true }),
    request(3, { result: 'none', isPost: true }),
  ]);
  assert.deepEqual([failedGets, failedPosts], [1, 2]);
});

test('what was under way when it came is concerned, what was answered before is not', () => {
  const { requests, failed } = figures([
    request(0, { sentAt: 998, tookMs: 1, result: 503 }),
    request(1, { sentAt: 998, tookMs: 3, result: 503 }),
    request(2),
  ]);
  assert.deepEqual([requests, failed], [2, 1]);
});

test('what fails or waits afterwards is counted, and is the time until it is good again', () => {
  const after = [
    request(1, { sentAt: 1_999, tookMs: 40 }),
    request(2, { sentAt: 2_020, result: 503, tookMs: 1 }),
    request(3, { sentAt: 1_990, tookMs: 55 }),
  ];
  const { requests, failed, slow, recoveryMs } = figures(after);
  assert.deepEqual(
    { requests, failed, slow, recoveryMs },
    { requests: 2, failed: 1, slow: 1, recoveryMs: 45 },
  );
  assert.equal(figures([request(1, { result: 503 })]).recoveryMs, 0);
  assert.equal(figures(after, [[]], { ends: false }).recoveryMs, null);
});

test('a caller that hung up did not wait', () => {
  assert.equal(figures([request(1, { result: 'left', tookMs: 100 })]).slow, 0);
});

test('endpoints tell how often a request was sent, and to whom', () => {
  const sent = [request(1), request(2, { isPost: true }), request(3, { isPost: true }), request(4)];
  const told = [
    ['got 1', 'got 2', 'met'],
    ['got 1', 'got 2', 'got 3', 'got 4'],
  ];
  const { amplification, shareToBad, sentTwice } = figures(sent, told, { bad: [0] });
  assert.deepEqual(
    { amplification, shareToBad, sentTwice },
    { amplification: 1.5, shareToBad: 0.75, sentTwice: 1 },
  );
  assert.equal(figures(sent, told).shareToBad, null);
});

test('a good answer that did not reach its caller is lost', () => {
  const sent = [request(1, { result: 503 }), request(2, { result: 500 }), request(3)];
  assert.equal(figures(sent, [['good 1'], ['good 3']]).lostAnswers, 1);
});

test('who hung up and was served all the same is counted', () => {
  const sent = [request(1, { result: 'left' }), request(2, { result: 'left' }), request(3)];
  const { left, leftAndFinished } = figures(sent, [['off 1', 'good 2', 'good 3']]);
  assert.deepEqual([left, leftAndFinished], [2, 1]);
});

test('goodput is what was answered in time, of what could have been', () => {
  const sent = [
    request(1),
    request(2, { tookMs: 1_500 }),
    request(3, { result: 503, tookMs: 2 }),
    request(4, { tookMs: 20 }),
  ];
  const { goodput, servedP99Ms, slowestFailureMs, p99Ms } = figures(sent, [[]], { capacity: 4 });
  assert.deepEqual([goodput, servedP99Ms, slowestFailureMs, p99Ms], [0.5, 1_500, 2, 1_500]);
  assert.equal(figures(sent).goodput, null);
});

test('of failures, the slowest and the usual are told', () => {
  const sent = Array.from({ length: 200 }, (_, id) =>
    request(id, { result: 503, tookMs: id === 7 ? 40 : 1 }),
  );
  const { slowestFailureMs, failureP99Ms } = figures(sent);
  assert.deepEqual([slowestFailureMs, failureP99Ms], [40, 1]);
  assert.equal(figures([request(1)]).failureP99Ms, null);
});
