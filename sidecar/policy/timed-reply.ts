import type { Exchange } from '../exchange/exchange.ts';
import type { Failure } from '../exchange/failure.ts';
import { type Call, ENDED_CALL, PassReply, type Reply, type ResponseHead } from '../exchange/service.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';

/** Cancels a call whose head is not there in time. Whoever bounds one says how much is left, and what it fails with. */
export abstract class TimedReply extends PassReply implements TimerOwner {
  readonly timer = new Timer(this);
  inner: Call = ENDED_CALL;
  protected readonly exchange: Exchange;
  private readonly wheel: TimerWheel;

  constructor(exchange: Exchange, reply: Reply, wheel: TimerWheel) {
    super(reply);
    this.exchange = exchange;
    this.wheel = wheel;
  }

  onTimer(): void {
    const now = this.wheel.now();
    const left = this.left(now);
    if (left > 0) this.wheel.start(this.timer, left, now);
    else this.inner.cancel(this.overdue());
  }

  override head(head: ResponseHead): void {
    this.wheel.stop(this.timer);
    this.reply.head(head);
  }

  override fail(reason: Failure): void {
    this.wheel.stop(this.timer);
    this.reply.fail(reason);
  }

  /** Milliseconds that are left, although the timer has fired; 0 and less: none. */
  protected abstract left(now: number): number;

  protected abstract overdue(): Failure;
}
