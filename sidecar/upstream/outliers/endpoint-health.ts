import { Latencies } from '../../io/latencies.ts';
import { Evidence } from './evidence.ts';
import { type WaitingRequest, WaitingRequests } from './waiting-request.ts';

/** What was counted in a window of time. */
export class WindowCounts {
  requests = 0;
  failed = 0;
  slow = 0;

  take(other: WindowCounts): void {
    this.requests = other.requests;
    this.failed = other.failed;
    this.slow = other.slow;
  }

  add(other: WindowCounts): void {
    this.requests += other.requests;
    this.failed += other.failed;
    this.slow += other.slow;
  }

  clear(): void {
    this.requests = 0;
    this.failed = 0;
    this.slow = 0;
  }
}

/** What is known of how an endpoint answers. Numbers only: what follows from them is decided by `OutlierDetection`. */
export class EndpointHealth {
  /** Failures of any kind in a row. */
  failuresInARow = 0;
  gatewayFailuresInARow = 0;
  localFailuresInARow = 0;
  /** This window and the one before. */
  readonly window = new WindowCounts();
  readonly before = new WindowCounts();
  readonly failures = new Evidence();
  readonly slowness = new Evidence();
  readonly latencies = new Latencies();
  /**
   * What recent failures weigh with balancers that look for who has the least to do, in requests under way: who fails fast has
   * little to do. Decays with time.
   */
  penalty = 0;
  /** An answer that takes longer, in ms, is not in time; and is slow. */
  answerLimit = Number.POSITIVE_INFINITY;
  slowLimit = Number.POSITIVE_INFINITY;
  readonly waiting = new WaitingRequests();
  /** Of those sent since its last answer: the first, and how many wait. */
  firstUnanswered: WaitingRequest | null = null;
  unanswered = 0;
  /**
   * Of those that waited here in vain since its last answer, until another endpoint had answered them: how many, and of the first and
   * the last of these since when they waited.
   */
  outrun = 0;
  readonly firstOutrun = { waitsSince: 0, sentAt: 0, allAnswersThen: 0 };
  lastOutrunSince = 0;
  /** Monotonic ms of its last answer. */
  answeredAt = Number.NEGATIVE_INFINITY;
  /** Monotonic ms at which it was last found not to answer. */
  foundSilentAt = Number.NEGATIVE_INFINITY;
  private answers = 0;

  /** @param allAnswers how many answers all endpoints together have given */
  noteSent(request: WaitingRequest, allAnswers: number): void {
    request.answersThen = this.answers;
    request.allAnswersThen = allAnswers;
    this.waiting.add(request);
    this.firstUnanswered ??= request;
    this.unanswered++;
  }

  /** The request waits no more: it ended without an answer. */
  noteGone(request: WaitingRequest): void {
    if (request.answersThen === this.answers) {
      this.unanswered--;
      if (request === this.firstUnanswered) this.firstUnanswered = this.waiting.after(request);
    }
    this.waiting.remove(request);
  }

  /** The request, which waits, is about to be given up, since another endpoint has answered it. */
  noteOutrun(request: WaitingRequest): void {
    if (request.answersThen !== this.answers || request.waitsSince === Number.POSITIVE_INFINITY) return;
    const { waitsSince, sentAt, allAnswersThen } = request;
    if (this.outrun === 0) Object.assign(this.firstOutrun, { waitsSince, sentAt, allAnswersThen });
    this.lastOutrunSince = Math.max(this.lastOutrunSince, waitsSince);
    this.outrun++;
  }

  noteAnswer(request: WaitingRequest, now: number): void {
    this.waiting.remove(request);
    this.answers++;
    this.answeredAt = now;
    this.firstUnanswered = null;
    this.unanswered = 0;
    this.outrun = 0;
  }

  /** What was seen so far speaks no more against it. */
  forgive(): void {
    this.failuresInARow = 0;
    this.gatewayFailuresInARow = 0;
    this.localFailuresInARow = 0;
    this.failures.clear();
    this.slowness.clear();
    this.outrun = 0;
  }

  /** A window has ended. */
  roll(): void {
    this.before.take(this.window);
    this.window.clear();
    this.failures.fade();
    this.slowness.fade();
    this.latencies.fade();
  }
}

/**
 * The part of failures among the others. Where they have none it is as much as one would make it, within these bounds: after a thousand
 * good answers of others the first failures of an endpoint say more than after a hundred.
 * @param totals of all endpoints
 */
export function usualFailures(totals: WindowCounts, health: EndpointHealth): number {
  return usualRate(totals, health, 'failed', 0.001, 0.01);
}

/** The part of slow answers among the others, which is never taken for less than 2 %: nobody is perfect. */
export function usualSlowness(totals: WindowCounts, health: EndpointHealth): number {
  return usualRate(totals, health, 'slow', 0.02, 0.02);
}

function usualRate(
  totals: WindowCounts,
  { window, before }: EndpointHealth,
  what: 'failed' | 'slow',
  least: number,
  most: number,
): number {
  const requests = totals.requests - window.requests - before.requests;
  const bad = totals[what] - window[what] - before[what];
  return requests <= 0 ? most : Math.max(least, Math.min(most, 1 / requests), bad / requests);
}
