import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import { type Call, ENDED_CALL, PassReply, type Reply, type Service } from '../exchange/service.ts';

/** What a call is cancelled with of whose answer nobody is told: another one takes its place. */
export const DISCARDED = failure(
  'reset',
  'The answer is discarded, since another one takes its place.',
  false,
);

/**
 * A call that asks a service, may discard what that answers, and then asks again, or asks another. Whoever extends it has phases of its
 * own beside those of every one: `discarding`, nobody is told of the answer that comes, and something else follows its end; `passing`, it
 * goes on as it comes.
 */
export abstract class AskingCall<Own extends string> extends PassReply implements Call {
  protected phase: Own | 'discarding' | 'passing';
  /** What was asked last; an ended one where that has not come back yet, or where nobody is being asked. */
  protected current: Call = ENDED_CALL;
  /** How often a service was asked: what it tells from then on is not for an earlier one. */
  protected asked = 0;
  private isPaused = false;

  constructor(reply: Reply, phase: Own) {
    super(reply);
    this.phase = phase;
  }

  pause(): void {
    this.isPaused = true;
    this.current.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.current.resume();
  }

  abstract cancel(reason: Failure): void;

  override data(chunk: Buffer): void {
    if (this.phase === 'passing') this.reply.data(chunk);
  }

  override flush(): void {
    if (this.phase === 'passing') this.reply.flush();
    // The rest of it is not worth to be waited for.
    else if (this.phase === 'discarding') this.breakOff();
  }

  protected ask(service: Service, exchange: Exchange): void {
    const number = ++this.asked;
    this.current = ENDED_CALL;
    const call = service.call(exchange, this);
    // What has ended at once was followed by something else before its call came back.
    if (number !== this.asked) return;
    this.current = call;
    if (this.isPaused) call.pause();
    // It was answered before its call came back, and could not be broken off then.
    if (this.phase === 'discarding') this.breakOff();
  }

  /** Ends what is discarded, at once. */
  protected breakOff(): void {
    this.current.cancel(DISCARDED);
  }
}
