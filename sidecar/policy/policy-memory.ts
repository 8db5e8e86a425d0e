import type { Policy } from '../../control-plane/contract/policy.ts';
import type { UpstreamCounters } from '../telemetry/counters.ts';
import { type CountedFailures, countedFailures } from './breaker.ts';
import { type BreakerChange, type BreakerSettings, CircuitBreaker } from './circuit-breaker.ts';
import { RetryBudget } from './retry-budget.ts';

interface MemoryContext {
  /** The names by which the policy may mean this sidecar: its service, and its id. */
  readonly callers: ReadonlySet<string>;
  readonly random: () => number;
  readonly counters: UpstreamCounters;
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
  private readonly context: MemoryContext;

  constructor(context: MemoryContext) {
    this.context = context;
  }

  /** Takes over what the policy says. @param now monotonic ms */
  configure({ breaker, retry }: Policy, now: number): void {
    this.retryBudget.configure(retry.budget);
    const { callers, counters, random, onBreakerChange } = this.context;
    if (breaker === null) {
      this.breaker = null;
      counters.breakerState = 'closed';
      return;
    }
    const settings = breakerSettings(breaker, callers);
    this.counted = countedFailures(breaker.failures);
    if (this.breaker === null) {
      this.breaker = new CircuitBreaker(settings, random, change => {
        counters.breakerState = change.to;
        if (change.to === 'open') counters.breakerOpened++;
        onBreakerChange(change);
      });
    } else {
      this.breaker.configure(settings, now);
    }
    counters.breakerState = this.breaker.state;
  }
}

/** @param callers the names of this sidecar: a hand on the breaker may be for some sidecars only */
function breakerSettings(
  breaker: NonNullable<Policy['breaker']>,
  callers: ReadonlySet<string>,
): BreakerSettings {
  const { window, windowCalls, force, failures: _, ...rest } = breaker;
  const isForUs =
    force !== null && (force.callers.length === 0 || force.callers.some(name => callers.has(name)));
  return {
    ...rest,
    window: windowCalls === null ? { kind: 'time', ms: window } : { kind: 'calls', calls: windowCalls },
    forced: isForUs ? force.state : null,
  };
}
