import type { Policy } from '../../control-plane/contract/policy.ts';
import type { Failure } from '../exchange/failure.ts';
import type { Layer, Service } from '../exchange/service.ts';
import type { TimerWheel } from '../io/timer-wheel.ts';
import type { AccessLog } from '../telemetry/access-log.ts';
import type { UpstreamCounters } from '../telemetry/counters.ts';
import { telemetryLayer } from '../telemetry/telemetry-layer.ts';
import { breakerLayer } from './breaker.ts';
import { concurrencyLayer } from './concurrency-limit.ts';
import { deadlineLayer } from './deadline.ts';
import { fallbackLayer } from './fallback.ts';
import { faultLayer } from './fault-injection.ts';
import { hedgeLayer, type Spares } from './hedge.ts';
import { Hold } from './hold.ts';
import type { HoldRoom } from './hold-room.ts';
import type { PolicyMemory } from './policy-memory.ts';
import { rateLimitLayer } from './rate-limit.ts';
import { retryLayer } from './retry.ts';
import type { Alternatives } from './retry-rules.ts';
import { timeoutLayer } from './timeout.ts';
import { wholeAnswerLayer } from './whole-answer.ts';

/** What the layers of a stack need of the sidecar. */
interface StackContext {
  readonly wheel: TimerWheel;
  readonly accessLog: AccessLog | null;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly date: { now(): string };
  /** Monotonic ms that pass also while the process is stopped. */
  readonly ageClock: () => number;
  /** The stack of another upstream, as it is now; null where there is none of this name. */
  readonly other: (name: string) => Service | null;
}

/**
 * The order in which a request passes the policies of an upstream, outside in. This is the one place where it is
 * written down. A policy that is off is not in the stack.
 * @param attempt makes one attempt
 * @param holdRoom where requests wait while there is no endpoint that can be connected to; null where none waits
 * @param memory what the policies remember
 */
export function buildStack(
  name: string,
  policy: Policy,
  attempt: Service & Alternatives & Spares & { readonly loss: Failure | null; readonly remedy: string },
  counters: UpstreamCounters,
  context: StackContext,
  holdRoom: HoldRoom | null,
  memory: Pick<
    PolicyMemory,
    'answers' | 'breaker' | 'counted' | 'concurrency' | 'fault' | 'hedgeDelay' | 'rate' | 'retryBudget'
  >,
): Service {
  const { wheel, accessLog, random, date, ageClock, other } = context;
  const { answers, breaker, counted, concurrency, fault, hedgeDelay, rate, retryBudget: budget } = memory;
  const { timeouts, retry, hedge, limits, rateLimit, fallback } = policy;
  const layers: Layer[] = [];
  const hold =
    holdRoom === null || limits.hold === 0
      ? null
      : new Hold(
          {
            ms: limits.hold,
            pending: limits.pending,
            upstream: name,
            loss: () => attempt.loss,
            remedy: () => attempt.remedy,
          },
          holdRoom,
          counters,
          wheel,
        );

  // Outermost, so that it counts and logs what the application sees, whatever is made of it below.
  layers.push(telemetryLayer({ counters, accessLog, clock: () => wheel.now() }));

  // Outside all policies, so that none of them takes for the upstream's doing what is done on purpose here.
  if (fault !== null) {
    const { propagate: heedsDeadlines } = timeouts;
    layers.push(faultLayer({ injector: fault, heedsDeadlines, upstream: name, counters, wheel, random }));
  }

  // Outside all that costs something: what is too much is refused before anything is done for it.
  if (rate !== null) {
    layers.push(
      rateLimitLayer({
        buckets: rate,
        header: rateLimit?.header?.toLowerCase() ?? null,
        upstream: name,
        wheel,
      }),
    );
  }

  // Around the retries: whatever they do, the application waits no longer than this.
  const { total, propagate } = timeouts;
  if (total !== null || propagate) {
    layers.push(deadlineLayer({ total, propagate, upstream: name }, wheel));
  }

  // Around all that may refuse a request or fail, and inside the total timeout: when that passes, it cancels what is under way, and the
  // failure of that comes by here, where it can still be answered at once.
  if (fallback !== null) {
    layers.push(
      fallbackLayer({
        settings: fallback,
        methods: retry.methods,
        answers,
        other,
        upstream: name,
        counters,
        wheel,
        date,
        ageClock,
      }),
    );
  }

  // Outside the breaker: what is refused for want of room is no call, and must not take one of its trials.
  if (concurrency !== null) {
    layers.push(concurrencyLayer(concurrency, name));
  }

  // Around the retries, since it judges what the upstream made of a request in the end; inside the total timeout, so that an upstream
  // that leaves everything unanswered fails too.
  if (breaker !== null) {
    layers.push(breakerLayer({ breaker, counted, upstream: name, wheel }));
  }

  // Around each attempt, so that one that fails can be followed by another, now or after it was held; inside the total timeout.
  if (retry.attempts > 1 || hold !== null) {
    layers.push(
      retryLayer({ settings: retry, alternatives: attempt, shelter: hold, budget, counters, wheel, random }),
    );
  }

  // Inside the retries, which follow once all the attempts that are under way at once have failed. Around what belongs to a single
  // attempt: a small answer that breaks off, or an attempt that takes too long, leaves the others to win.
  if (hedge !== null && hedgeDelay !== null) {
    const { max } = hedge;
    layers.push(hedgeLayer({ max, retry, delay: hedgeDelay, spares: attempt, budget, counters, wheel }));
  }

  // Inside the retries, so that an answer which breaks off before anything of it went out can be followed by another attempt.
  if (retry.attempts > 1 && retry.whole.size > 0) {
    layers.push(wholeAnswerLayer(retry, wheel));
  }

  // Around each attempt, not the exchange: the last endpoint may leave between two of them. Outside the attempt's timeout, which is
  // about the endpoint; inside the total, which bounds the wait too.
  if (hold !== null) {
    layers.push(hold.layer);
  }

  // Inside the retries: an attempt that takes too long leaves time for another.
  if (timeouts.attempt !== null) {
    layers.push(timeoutLayer({ ms: timeouts.attempt, upstream: name }, wheel));
  }

  return layers.reduceRight<Service>((next, layer) => layer(next), attempt);
}
