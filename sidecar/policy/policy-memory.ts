import { isDeepStrictEqual } from 'node:util';
import type { Policy } from '../../control-plane/contract/policy.ts';
import type { TimerWheel } from '../io/timer-wheel.ts';
import type { UpstreamCounters } from '../telemetry/counters.ts';
import { AnswerCache } from './answer-cache.ts';
import { type CountedFailures, countedFailures } from './breaker.ts';
import { type BreakerChange, type BreakerSettings, CircuitBreaker } from './circuit-breaker.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { FaultInjector } from './fault.ts';
import { HedgeDelay } from './hedge-delay.ts';
import { RetryBudget } from './retry-budget.ts';
import { KeyedBuckets } from './token-bucket.ts';

type CachedSettings = NonNullable<NonNullable<Policy['fallback']>['cached']>;

interface MemoryContext {
  /** The names by which the policy may mean this sidecar: its service, and its id. */
  readonly callers: ReadonlySet<string>;
  /** Whether this sidecar makes no faults on purpose, whatever a policy says. */
  readonly refusesFaults: () => boolean;
  readonly random: () => number;
  readonly counters: UpstreamCounters;
  readonly wheel: TimerWheel;
  /** Told when the circuit breaker has changed its state. */
  readonly onBreakerChange: (change: BreakerChange) => void;
}

/**
 * What the policies of an upstream remember of it. It stays while stacks are built anew, so that a change of one setting makes
 * no other policy forget what it knows.
 */
export class PolicyMemory {
  /** Null where there is none. */
  breaker: CircuitBreaker | null = null;
  /** What counts as a failure for it. */
  counted: CountedFailures = { statuses: new Set(), kinds: new Set() };
  readonly retryBudget = new RetryBudget({ ratio: 0, floor: 0 });
  /** Null where nothing is sent beside an attempt that is silent. */
  hedgeDelay: HedgeDelay | null = null;
  /** Null where any number of requests may be under way. */
  concurrency: ConcurrencyLimit | null = null;
  /** Null where no faults are made on purpose. */
  fault: FaultInjector | null = null;
  /** Whether the policy asks for faults that this sidecar refuses. */
  isFaultRefused = false;
  /** Null where requests may come as fast as they like. */
  rate: KeyedBuckets | null = null;
  /** Whose values have a bucket each; null: all requests have one. */
  private rateHeader: string | null = null;
  /** The last good answers; null where none are kept. */
  answers: AnswerCache | null = null;
  private cached: CachedSettings | null = null;
  private readonly context: MemoryContext;

  constructor(context: MemoryContext) {
    this.context = context;
  }

  /** Takes over what the policy says. @param now monotonic ms */
  configure(policy: Policy, now: number): void {
    const { breaker, fallback, fault, hedge, limits, rateLimit, retry } = policy;
    this.retryBudget.configure(retry.budget, limits.retries ?? Number.POSITIVE_INFINITY);
    this.configureBreaker(breaker, now);
    this.configureConcurrency(limits);
    this.configureRate(rateLimit, now);
    if (hedge === null) this.hedgeDelay = null;
    else if (this.hedgeDelay === null) this.hedgeDelay = new HedgeDelay(hedge.after);
    else this.hedgeDelay.configure(hedge.after);
    this.configureFault(fault, now);
    this.configureAnswers(fallback?.cached ?? null);
  }

  private configureAnswers(cached: CachedSettings | null): void {
    const before = this.cached;
    this.cached = cached;
    if (cached === null) this.answers = null;
    else if (this.answers !== null && hasSameRules(before, cached)) this.answers.configure(cached);
    // Not the same one emptied: answers that are under way are yet to be kept by the rules that they began with.
    else this.answers = new AnswerCache(cached);
  }

  private configureFault(fault: Policy['fault'], now: number): void {
    const { callers, refusesFaults } = this.context;
    const isForUs = fault !== null && isForCaller(fault.callers, callers);
    this.isFaultRefused = isForUs && refusesFaults();
    if (!isForUs || this.isFaultRefused) this.fault = null;
    else if (this.fault === null) this.fault = new FaultInjector(fault, now);
    else this.fault.configure(fault, now);
  }

  private configureConcurrency({ concurrency: max, pending, pendingFor }: Policy['limits']): void {
    const { counters, wheel } = this.context;
    if (max === null) {
      // Who waits need not wait any more.
      this.concurrency?.configure({ max: Number.POSITIVE_INFINITY, pending, pendingFor });
      this.concurrency = null;
      counters.concurrencyLimit = 0;
    } else if (this.concurrency === null) {
      this.concurrency = new ConcurrencyLimit({ max, pending, pendingFor }, counters, wheel);
    } else {
      this.concurrency.configure({ max, pending, pendingFor });
    }
  }

  private configureRate(limit: Policy['rateLimit'], now: number): void {
    if (limit === null) {
      this.rate = null;
      return;
    }
    const { rate, per, burst, header } = limit;
    const settings = { rate: rate / per, burst: Math.max(1, burst ?? rate) };
    // The same value of another header is somebody else.
    if (this.rate === null || header !== this.rateHeader) this.rate = new KeyedBuckets(settings, MAX_KEYS);
    else this.rate.configure(settings, now);
    this.rateHeader = header;
  }

  private configureBreaker(breaker: Policy['breaker'], now: number): void {
    const { callers, counters, random, onBreakerChange } = this.context;
    if (breaker === null) {
      this.breaker = null;
      counters.breakerState = 'closed';
      return;
    }
    const settings = breakerSettings(breaker, callers);
    this.counted = countedFailures(breaker.failures);
    if (this.breaker === null) {
      const made: CircuitBreaker = new CircuitBreaker(settings, random, change => {
        // The policy has it no more; what was begun under it goes on telling it.
        if (this.breaker !== made) return;
        counters.breakerState = change.to;
        if (change.to === 'open') counters.breakerOpened++;
        onBreakerChange(change);
      });
      this.breaker = made;
    } else {
      this.breaker.configure(settings, now);
    }
    counters.breakerState = this.breaker.state;
  }
}

/** What was kept by other rules may be for fewer than it would be given to now. */
function hasSameRules(a: CachedSettings | null, b: CachedSettings): boolean {
  return isDeepStrictEqual([a?.vary, a?.ignore], [b.vary, b.ignore]);
}

/** Whether a setting for these callers is for a sidecar. @param names of the sidecar */
function isForCaller(callers: readonly string[], names: ReadonlySet<string>): boolean {
  return callers.length === 0 || callers.some(name => names.has(name));
}

/** Values of a header that have a limit of their own each. */
const MAX_KEYS = 10_000;

/** @param callers the names of this sidecar: a hand on the breaker may be for some sidecars only */
function breakerSettings(
  breaker: NonNullable<Policy['breaker']>,
  callers: ReadonlySet<string>,
): BreakerSettings {
  const { window, windowCalls, force, failures: _, ...rest } = breaker;
  const isForUs = force !== null && isForCaller(force.callers, callers);
  return {
    ...rest,
    window: windowCalls === null ? { kind: 'time', ms: window } : { kind: 'calls', calls: windowCalls },
    forced: isForUs ? force.state : null,
  };
}
