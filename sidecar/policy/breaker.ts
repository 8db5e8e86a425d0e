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
import { type BreakerResult, type CircuitBreaker, type Permit, REFUSED } from './circuit-breaker.ts';

/** What counts as a failed call. */
export interface CountedFailures {
  /** Statuses of answers: three digits, or `5xx` for all from 500 on. */
  readonly statuses: ReadonlySet<number | '5xx'>;
  readonly kinds: ReadonlySet<FailureKind>;
}

/** What the policy names: `connect-failure` is one that took too long too. */
export function countedFailures(named: readonly (number | string)[]): CountedFailures {
  const kinds = new Set(
    named.filter(name => typeof name === 'string' && name in FAILURES),
  ) as Set<FailureKind>;
  if (kinds.has('connect-failure')) kinds.add('connect-timeout');
  const statuses = named.filter(name => typeof name === 'number' || name === '5xx');
  return { kinds, statuses: new Set(statuses as (number | '5xx')[]) };
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
      return this.next.call(exchange, new BreakerReply(reply, this.options, permit, now));
    }
    reply.fail(this.refusal(now));
    return ENDED_CALL;
  }

  private refusal(now: number): Failure {
    const { breaker, upstream } = this.options;
    const retryAfterMs = breaker.retryAfter(now);
    const { state, lastChange } = breaker;
    const detail =
      state === 'forced-open'
        ? `The circuit breaker of ${upstream} is held open (breaker.force).`
        : `The circuit breaker of ${upstream} is ${state}: ${describe(lastChange?.calls)} It tries again in ${retryAfterMs} ms.`;
    return { ...failure('breaker-open', detail, true), retryAfterMs };
  }
}

function describe(
  calls: { readonly calls: number; readonly failed: number; readonly slow: number } | undefined,
) {
  if (calls === undefined || calls.calls === 0) return 'some calls are tried.';
  return `of ${calls.calls} calls ${calls.failed} failed and ${calls.slow} were slow.`;
}

class BreakerReply extends PassReply {
  private readonly options: BreakerOptions;
  private permit: Permit;
  private readonly begunAt: number;
  /** When the head of the answer came; null before that. */
  private headAt: number | null = null;

  constructor(reply: Reply, options: BreakerOptions, permit: Permit, begunAt: number) {
    super(reply);
    this.options = options;
    this.permit = permit;
    this.begunAt = begunAt;
  }

  override head(head: ResponseHead): void {
    const { counted, wheel } = this.options;
    this.headAt = wheel.now();
    if (countsStatus(counted, head.status)) this.report('failure');
    else if (head.tunnel || head.bodyLength === UNKNOWN_LENGTH) this.report('success');
    this.reply.head(head);
  }

  override end(trailers: Fields | null): void {
    this.report('success');
    this.reply.end(trailers);
  }

  override fail(reason: Failure): void {
    const { kind } = reason.last ?? reason;
    this.report(this.options.counted.kinds.has(kind) ? 'failure' : 'ignored');
    this.reply.fail(reason);
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

function countsStatus({ statuses }: CountedFailures, status: number): boolean {
  return (status >= 500 && statuses.has('5xx')) || statuses.has(status);
}
