import { UNKNOWN_LENGTH } from '../exchange/body-length.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { FAILURES, type Failure, type FailureKind, failure } from '../exchange/failure.ts';
import type { Fields } from '../exchange/fields.ts';
import {
  type Call,
  ENDED_CALL,
  type Layer,
  PassReply,
  type Reply,
  type ResponseHead,
  type Service,
} from '../exchange/service.ts';
import type { TimerWheel } from '../io/timer-wheel.ts';
import {
  type BreakerResult,
  type CircuitBreaker,
  NO_CALLS,
  type Permit,
  REFUSED,
} from './circuit-breaker.ts';
import { StatusSet } from './status-set.ts';

/** What counts as a failed call. */
export interface CountedFailures {
  /** Statuses of answers. */
  readonly statuses: Pick<StatusSet, 'has'>;
  readonly kinds: ReadonlySet<FailureKind>;
}

/** What the policy names: `connect-failure` is one that took too long too. */
export function countedFailures(named: readonly (number | string)[]): CountedFailures {
  const kinds = new Set(
    named.filter(name => typeof name === 'string' && name in FAILURES),
  ) as Set<FailureKind>;
  if (kinds.has('connect-failure')) kinds.add('connect-timeout');
  return { kinds, statuses: new StatusSet(named) };
}

/** Around what a breaker stands. */
interface BreakerOptions {
  readonly breaker: CircuitBreaker;
  readonly counted: CountedFailures;
  /** For the person who reads the failure. */
  readonly upstream: string;
  readonly wheel: TimerWheel;
}

/**
 * Lets exchanges through where their upstream's {@link CircuitBreaker} does, and tells it how they ended. An exchange counts once,
 * whatever its retries made of it: as failed with the head of an answer that counts as one, as gone well at the answer's end,
 * where that is to be foreseen, else with its head. How long it took is the time to its head.
 */
export function breakerLayer(options: BreakerOptions): Layer {
  return next => new BreakerService(next, options);
}

class BreakerService implements Service {
  private readonly next: Service;
  private readonly options: BreakerOptions;

  constructor(next: Service, options: BreakerOptions) {
    this.next = next;
    this.options = options;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const { breaker, wheel } = this.options;
    const now = wheel.now();
    const permit = breaker.tryAcquire(now);
    if (permit !== REFUSED) {
      return this.next.call(exchange, new BreakerReply(exchange, reply, this.options, permit, now));
    }
    reply.fail(this.refusal(now));
    return ENDED_CALL;
  }

  private refusal(now: number): Failure {
    const { breaker } = this.options;
    // Where the next one may be let through already, there is still nothing gained by sending this one again at once.
    const retryAfterMs = Math.max(1, Math.ceil(breaker.retryAfter(now)));
    return { ...failure('breaker-open', this.why(retryAfterMs), true), retryAfterMs };
  }

  private why(retryAfterMs: number): string {
    const { breaker, upstream } = this.options;
    const { state, lastChange } = breaker;
    const subject = `The circuit breaker of ${upstream}`;
    if (state === 'forced-open') return `${subject} is held open (breaker.force).`;
    if (state === 'half-open')
      return `${subject} is half-open: some calls are tried, and others are refused until it is known what becomes of them.`;
    if (state === 'closed')
      return `${subject} has closed a while ago, and lets a part of the calls through that grows to all (breaker.rampUp).`;
    const { calls, failed, slow } = lastChange?.calls ?? NO_CALLS;
    return `${subject} is open: of ${calls} calls ${failed} failed and ${slow} were slow. It tries again in ${retryAfterMs} ms.`;
  }
}

class BreakerReply extends PassReply {
  private readonly exchange: Exchange;
  private readonly options: BreakerOptions;
  private permit: Permit;
  private readonly begunAt: number;
  /** When the head of the answer came; null before that. */
  private headAt: number | null = null;

  constructor(exchange: Exchange, reply: Reply, options: BreakerOptions, permit: Permit, begunAt: number) {
    super(reply);
    this.exchange = exchange;
    this.options = options;
    this.permit = permit;
    this.begunAt = begunAt;
  }

  override head(head: ResponseHead): void {
    const { counted, wheel } = this.options;
    this.headAt = wheel.now();
    if (counted.statuses.has(head.status)) this.report('failure');
    else if (head.tunnel || head.bodyLength === UNKNOWN_LENGTH) this.report('success');
    this.reply.head(head);
  }

  override end(trailers: Fields | null): void {
    this.report('success');
    this.reply.end(trailers);
  }

  override fail(reason: Failure): void {
    const { kind } = reason.last ?? reason;
    const counts = this.options.counted.kinds.has(kind) && !(kind === 'deadline' && this.isHasty);
    this.report(counts ? 'failure' : 'ignored');
    this.reply.fail(reason);
  }

  /** Whether it was the caller who would not wait any longer, before there was anything slow about the upstream. */
  private get isHasty(): boolean {
    const { breaker, wheel } = this.options;
    const now = wheel.now();
    return now >= this.exchange.callerDeadline && !breaker.isSlow(now - this.begunAt);
  }

  private report(result: BreakerResult): void {
    if (this.permit === REFUSED) return;
    const { permit, begunAt } = this;
    this.permit = REFUSED;
    const { breaker, wheel } = this.options;
    const now = wheel.now();
    breaker.onResult(permit, result, (this.headAt ?? now) - begunAt, now);
  }
}
