import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, type FailureKind, failure } from '../exchange/failure.ts';
import {
  type Call,
  ENDED_CALL,
  type Layer,
  PassReply,
  type Reply,
  type ResponseHead,
  type Service,
} from '../exchange/service.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';

/**
 * A bound on the time from a call until the head of its answer. As in Envoy, the time that the application takes to
 * send its request does not count; unlike there, neither does the body of the answer: a long download or an event
 * stream is not broken off for being long. What stands still is the business of `timeouts.idle`.
 */
export interface TimeoutSettings {
  /** 1 and more. */
  readonly ms: number;
  /** What the call fails with: `deadline` outside the retries, `attempt-timeout` inside them. */
  readonly kind: Extract<FailureKind, 'deadline' | 'attempt-timeout'>;
  /** The setting's name and whom it is for, for the person who reads the failure. */
  readonly setting: string;
  readonly upstream: string;
}

export function timeoutLayer(settings: TimeoutSettings, wheel: TimerWheel): Layer {
  return next => new TimeoutService(next, settings, wheel);
}

class TimeoutService implements Service {
  private readonly next: Service;
  private readonly settings: TimeoutSettings;
  private readonly wheel: TimerWheel;

  constructor(next: Service, settings: TimeoutSettings, wheel: TimerWheel) {
    this.next = next;
    this.settings = settings;
    this.wheel = wheel;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const call = new TimedCall(exchange, reply, this.settings, this.wheel);
    // The deadline counts from the exchange's start, whatever it waited for since then; an attempt begins now.
    const begun = this.settings.kind === 'deadline' ? exchange.startedAt : this.wheel.now();
    this.wheel.start(call.timer, this.settings.ms, begun);
    call.inner = this.next.call(exchange, call);
    return call.inner;
  }
}

class TimedCall extends PassReply implements TimerOwner {
  readonly timer = new Timer(this);
  inner: Call = ENDED_CALL;
  private readonly exchange: Exchange;
  private readonly settings: TimeoutSettings;
  private readonly wheel: TimerWheel;

  constructor(exchange: Exchange, reply: Reply, settings: TimeoutSettings, wheel: TimerWheel) {
    super(reply);
    this.exchange = exchange;
    this.settings = settings;
    this.wheel = wheel;
  }

  onTimer(): void {
    const { kind, ms, setting, upstream } = this.settings;
    const { body } = this.exchange;
    if (body !== null && !body.isComplete) {
      this.wheel.start(this.timer, ms, this.wheel.now());
      return;
    }
    const left = body === null ? 0 : body.completedAt + ms - this.wheel.coarseNow;
    if (left > 0) {
      this.wheel.start(this.timer, left, this.wheel.now());
      return;
    }
    this.inner.cancel(failure(kind, `${upstream} did not answer within ${ms} ms (${setting}).`, false));
  }

  override head(head: ResponseHead): void {
    this.wheel.stop(this.timer);
    this.reply.head(head);
  }

  override fail(reason: Failure): void {
    this.wheel.stop(this.timer);
    this.reply.fail(reason);
  }
}
