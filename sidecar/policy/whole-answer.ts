import type { Policy } from '../../control-plane/contract/policy.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Failure } from '../exchange/failure.ts';
import type { Fields } from '../exchange/fields.ts';
import {
  type Call,
  type Layer,
  PassReply,
  type Reply,
  type ResponseHead,
  type Service,
} from '../exchange/service.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';
import { mayBeDoneTwice } from './done-twice.ts';

type RetrySettings = Pick<Policy['retry'], 'whole' | 'methods'>;

/**
 * Keeps a small answer back until it is whole, or for as long as it may: one that breaks off before that has told the application
 * nothing, so it can be followed by another attempt, or by an answer that says what happened. Only for requests that may be sent
 * again after they reached an endpoint. An answer whose body comes with its head, as nearly all small ones do, is neither copied nor late.
 */
export function wholeAnswerLayer(settings: RetrySettings, wheel: TimerWheel): Layer {
  return next => new WholeAnswerService(next, settings, wheel);
}

class WholeAnswerService implements Service {
  private readonly next: Service;
  private readonly settings: RetrySettings;
  private readonly wheel: TimerWheel;

  constructor(next: Service, settings: RetrySettings, wheel: TimerWheel) {
    this.next = next;
    this.settings = settings;
    this.wheel = wheel;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const { whole, methods } = this.settings;
    const mayBeSentAgain = exchange.isReplayable && mayBeDoneTwice(exchange, methods);
    return this.next.call(exchange, mayBeSentAgain ? new WholeAnswer(reply, whole, this.wheel) : reply);
  }
}

class WholeAnswer extends PassReply implements TimerOwner {
  private readonly settings: RetrySettings['whole'];
  private readonly wheel: TimerWheel;
  /** What waits for the rest of its body; null where nothing does. */
  private waiting: ResponseHead | null = null;
  /** Bytes of the body that have not come yet. */
  private missing = 0;
  private pieces: Buffer[] | null = null;
  private timer: Timer | null = null;
  private isEnded = false;

  constructor(reply: Reply, settings: RetrySettings['whole'], wheel: TimerWheel) {
    super(reply);
    this.settings = settings;
    this.wheel = wheel;
  }

  override head(head: ResponseHead): void {
    const { bodyLength } = head;
    if (bodyLength <= 0 || bodyLength > this.settings.size || head.tunnel) return this.reply.head(head);
    this.waiting = head;
    this.missing = bodyLength;
  }

  override data(chunk: Buffer): void {
    if (this.waiting !== null) {
      this.missing -= chunk.length;
      if (this.missing > 0) {
        this.pieces ??= [];
        this.pieces.push(Buffer.from(chunk));
        return;
      }
      this.passOn();
    }
    // Whoever was told of the head may have ended it.
    if (!this.isEnded) this.reply.data(chunk);
  }

  override flush(): void {
    if (this.waiting === null) return this.reply.flush();
    if (this.timer !== null) return;
    this.timer = new Timer(this);
    this.wheel.start(this.timer, this.settings.within, this.wheel.now());
  }

  override end(trailers: Fields | null): void {
    this.passOn();
    if (this.isEnded) return;
    this.isEnded = true;
    this.reply.end(trailers);
  }

  override fail(reason: Failure): void {
    this.isEnded = true;
    this.waiting = null;
    this.stopTimer();
    this.reply.fail(reason);
  }

  onTimer(): void {
    this.passOn();
    if (!this.isEnded) this.reply.flush();
  }

  private passOn(): void {
    const head = this.waiting;
    if (head === null) return;
    this.waiting = null;
    this.stopTimer();
    this.reply.head(head);
    for (const piece of this.pieces ?? []) if (!this.isEnded) this.reply.data(piece);
    this.pieces = null;
  }

  private stopTimer(): void {
    if (this.timer !== null) this.wheel.stop(this.timer);
  }
}
