import type { Exchange } from './exchange.ts';
import type { Failure } from './failure.ts';
import { type Call, ENDED_CALL, type Reply, type Service } from './service.ts';

/** A call that waits for something before it is made. Whoever waits says what for, and leaves where it waits. */
export abstract class WaitingCall implements Call {
  protected readonly exchange: Exchange;
  protected readonly reply: Reply;
  /** Null while it waits. */
  private inner: Call | null = null;
  private isPaused = false;

  constructor(exchange: Exchange, reply: Reply) {
    this.exchange = exchange;
    this.reply = reply;
  }

  pause(): void {
    this.isPaused = true;
    this.inner?.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.inner?.resume();
  }

  cancel(reason: Failure): void {
    if (this.inner !== null) this.inner.cancel(reason);
    else this.failWith(reason);
  }

  /** The wait is over. @param reply who is told of what comes back, where that is somebody in between */
  protected goOn(service: Service, reply = this.reply): void {
    this.inner = ENDED_CALL;
    const call = service.call(this.exchange, reply);
    this.inner = call;
    if (this.isPaused) call.pause();
  }

  /** The wait was in vain. */
  protected failWith(reason: Failure): void {
    this.inner = ENDED_CALL;
    this.leave();
    this.failed(reason);
  }

  /** Tells of a failure while it waited. */
  protected failed(reason: Failure): void {
    this.reply.fail(reason);
  }

  /** It waits no more. */
  protected abstract leave(): void;
}
