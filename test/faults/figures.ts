import { quantile } from '../bench/percentiles.ts';
import type { Arrivals } from './arrivals.ts';
import type { SentRequest } from './load-order.ts';

/** Longer than this is not as before: answers take 5 ms. */
export const SLOW_MS = 50;

/** A run, as its parts saw it. */
export interface Observed {
  readonly requests: readonly SentRequest[];
  /** One for each endpoint. */
  readonly arrivals: readonly Arrivals[];
  /** The endpoints that are bad meanwhile and can tell of what reaches them. */
  readonly bad: readonly number[];
  readonly startedAt: number;
  readonly endedAt: number;
  /** Whether it was good again at the end. */
  readonly ends: boolean;
  /** Of all endpoints together, in requests a second; null where it doesn't matter. */
  readonly capacity: number | null;
}

/** What `npm run faults` says of one proxy in one scenario. */
export interface Figures {
  /** Sent while the fault lasted, or under way when it came. */
  readonly requests: number;
  /** Requests without a whole, right answer of 200, from the start of the fault until the end of the run. */
  readonly failed: number;
  readonly failedGets: number;
  readonly failedPosts: number;
  /** Answers that broke off after their head. */
  readonly torn: number;
  /** Answers that were passed on as whole and were not what the endpoint had to say. */
  readonly wrong: number;
  /** Requests that took longer than {@link SLOW_MS}, whatever became of them. */
  readonly slow: number;
  /** Of the requests of the fault's time. */
  readonly p99Ms: number | null;
  /** From the fault's end to the last request that failed or was slow; null where the fault doesn't end. */
  readonly recoveryMs: number | null;
  /** Requests that endpoints got for each that was sent. */
  readonly amplification: number;
  /** Requests and connections that bad endpoints got, of the requests that were sent; null where they can't tell. */
  readonly shareToBad: number | null;
  /** POSTs that reached endpoints more than once. */
  readonly sentTwice: number;
  /** The failed one that waited longest; null where none failed. */
  readonly slowestFailureMs: number | null;
  readonly failureP99Ms: number | null;
  /** Good answers within the fault's time, of what the endpoints could have given. */
  readonly goodput: number | null;
  /** Of good answers. */
  readonly servedP99Ms: number | null;
  /** Failures beyond those that follow from what the endpoints answered: good answers that did not reach their caller. */
  readonly lostAnswers: number;
  /** Requests whose caller hung up, and those of them that an endpoint went on with. */
  readonly left: number;
  readonly leftAndFinished: number;
}

/** Makes figures of a run. */
export function figuresOf(observed: Observed): Figures {
  const { requests, arrivals, bad, startedAt, endedAt, ends, capacity } = observed;
  const endOf = ({ sentAt, tookMs }: SentRequest) => sentAt + tookMs;
  const concerned = requests.filter(request => endOf(request) >= startedAt);
  const during = concerned.filter(({ sentAt }) => sentAt < endedAt);
  const failed = concerned.filter(isFailed);
  const slow = concerned.filter(({ tookMs, result }) => tookMs > SLOW_MS && result !== 'left');
  const notAsBefore = [...failed, ...slow].map(endOf);
  const good = during.filter(({ result }) => result === 'good');
  const times = (id: number) => sum(arrivals.map(({ got }) => got.get(id) ?? 0));
  const toBad = sum(
    bad.map(i => arrivals[i].met + sum(during.map(({ id }) => arrivals[i].got.get(id) ?? 0))),
  );
  const isAnswered = (id: number) => arrivals.some(endpoint => endpoint.good.has(id));
  const left = concerned.filter(({ result }) => result === 'left');
  const secondsLong = (endedAt - startedAt) / 1000;
  const inTime = good.filter(request => endOf(request) <= endedAt);
  return {
    requests: during.length,
    failed: failed.length,
    failedGets: failed.filter(({ isPost }) => !isPost).length,
    failedPosts: failed.filter(({ isPost }) => isPost).length,
    torn: concerned.filter(({ result }) => result === 'torn').length,
    wrong: concerned.filter(({ result }) => result === 'wrong').length,
    slow: slow.length,
    p99Ms: p99(during),
    recoveryMs: ends ? Math.max(0, ...notAsBefore.map(at => at - endedAt)) : null,
    amplification: during.length === 0 ? 0 : sum(during.map(({ id }) => times(id))) / during.length,
    shareToBad: bad.length === 0 || during.length === 0 ? null : toBad / during.length,
    sentTwice: concerned.filter(({ id, isPost }) => isPost && times(id) > 1).length,
    slowestFailureMs: failed.length === 0 ? null : Math.max(...failed.map(({ tookMs }) => tookMs)),
    failureP99Ms: p99(failed),
    goodput: capacity === null ? null : inTime.length / (capacity * secondsLong),
    servedP99Ms: p99(good),
    lostAnswers: failed.filter(({ id }) => isAnswered(id)).length,
    left: left.length,
    leftAndFinished: left.filter(({ id }) => isAnswered(id)).length,
  };
}

function isFailed({ result }: SentRequest): boolean {
  return result !== 'good' && result !== 'left';
}

function p99(requests: readonly SentRequest[]): number | null {
  if (requests.length === 0) return null;
  return quantile(
    requests.map(({ tookMs }) => tookMs).sort((a, b) => a - b),
    0.99,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
