import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import type { Call, Layer, Reply, Service } from '../exchange/service.ts';
import type { TimerWheel } from '../io/timer-wheel.ts';
import { TimedReply } from './timed-reply.ts';

/** A bound on the time from an attempt until the head of its answer; the time that the application takes to send its request does not count. */
interface TimeoutSettings {
  /** 1 and more. */
  readonly ms: number;
  /** For the person who reads the failure. */
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
    const call = new TimedAttempt(exchange, reply, this.settings, this.wheel);
    this.wheel.start(call.timer, this.settings.ms, this.wheel.now());
    call.inner = this.next.call(exchange, call);
    return call.inner;
  }
}

class TimedAttempt extends TimedReply {
  private readonly settings: TimeoutSettings;

  constructor(exchange: Exchange, reply: Reply, settings: TimeoutSettings, wheel: TimerWheel) {
    super(exchange, reply, wheel);
    this.settings = settings;
  }

  protected override left(now: number): number {
    return this.exchange.leftOf(this.settings.ms, now);
  }

  protected override overdue(): Failure {
    const { upstream, ms } = this.settings;
    return failure(
      'attempt-timeout',
      `${upstream} did not answer within ${ms} ms (timeouts.attempt).`,
      false,
    );
  }
}
