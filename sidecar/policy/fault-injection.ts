import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import { type Call, ENDED_CALL, type Layer, type Reply, type Service } from '../exchange/service.ts';
import { WaitingCall } from '../exchange/waiting-call.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';
import { saidTimeLeft } from './deadline.ts';
import { type Fault, type FaultInjector, NO_FAULT } from './fault.ts';

/** Where the faults come from, and who is told of them. */
interface FaultOptions {
  readonly injector: FaultInjector;
  /** Whether what a request says of its deadline counts (`timeouts.propagate`). */
  readonly heedsDeadlines: boolean;
  /** For the person who reads the failure. */
  readonly upstream: string;
  readonly counters: FaultCounters;
  readonly wheel: TimerWheel;
  /** From 0 to below 1. */
  readonly random: () => number;
}

interface FaultCounters {
  readonly faults: { delay: number; abort: number; reset: number };
  faultsSkipped: number;
}

/** Delays requests and answers them by itself, as a {@link FaultInjector} decides. */
export function faultLayer(options: FaultOptions): Layer {
  return next => new FaultService(next, options);
}

class FaultService implements Service {
  private readonly next: Service;
  private readonly options: FaultOptions;

  constructor(next: Service, options: FaultOptions) {
    this.next = next;
    this.options = options;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const { next, options } = this;
    const { injector, random, counters } = options;
    const fault = injector.decide(exchange.head.fields, random, exchange.startedAt);
    if (fault === NO_FAULT) return next.call(exchange, reply);
    const left = options.heedsDeadlines ? saidTimeLeft(exchange.head.fields) : null;
    // Nobody waits for the rest of the delay: the deadline is what is told of then.
    const isTooLate = fault.delay > 0 && left !== null && left <= fault.delay;
    const delay = isTooLate ? left : fault.delay;
    const service = fault.abort === null || isTooLate ? next : new AbortService(fault.abort, options);
    if (delay === 0) return service.call(exchange, reply);
    if (!injector.hasRoom) {
      counters.faultsSkipped++;
      return next.call(exchange, reply);
    }
    const delayed = new DelayedCall(exchange, reply, service, options);
    delayed.enter(delay);
    return delayed;
  }
}

/** Answers instead of the upstream. */
class AbortService implements Service {
  private readonly abort: NonNullable<Fault['abort']>;
  private readonly options: FaultOptions;

  constructor(abort: NonNullable<Fault['abort']>, options: FaultOptions) {
    this.abort = abort;
    this.options = options;
  }

  call(_exchange: Exchange, reply: Reply): Call {
    const { abort } = this;
    const { counters, upstream } = this.options;
    counters.faults[abort === 'reset' ? 'reset' : 'abort']++;
    const what = abort === 'reset' ? 'Cut' : `Answered with ${abort}`;
    const detail = `${what} on purpose, without asking ${upstream} (fault.abort).`;
    reply.fail({ ...failure('fault-injected', detail, true), status: abort === 'reset' ? 0 : abort });
    return ENDED_CALL;
  }
}

/** A request that is held back for a while. */
class DelayedCall extends WaitingCall implements TimerOwner {
  private readonly next: Service;
  private readonly options: FaultOptions;
  private readonly timer = new Timer(this);
  private since = 0;

  constructor(exchange: Exchange, reply: Reply, next: Service, options: FaultOptions) {
    super(exchange, reply);
    this.next = next;
    this.options = options;
  }

  enter(ms: number): void {
    const { injector, counters, wheel } = this.options;
    injector.active++;
    counters.faults.delay++;
    this.since = wheel.now();
    wheel.start(this.timer, ms, this.since);
  }

  onTimer(): void {
    this.leave();
    this.goOn(this.next);
  }

  protected override failed(reason: Failure): void {
    const ms = Math.round(this.exchange.injectedDelay);
    const detail = `${reason.detail} It was delayed on purpose until then, for ${ms} ms (fault.delay).`;
    super.failed({ ...reason, detail });
  }

  protected override leave(): void {
    const { injector, wheel } = this.options;
    injector.active--;
    wheel.stop(this.timer);
    this.exchange.injectedDelay = wheel.now() - this.since;
  }
}
