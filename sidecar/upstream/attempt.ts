import type { AttemptEnd, Exchange } from '../exchange/exchange.ts';
import { FAILURES, type Failure, OUTRUN } from '../exchange/failure.ts';
import type { Fields } from '../exchange/fields.ts';
import type { Call, Reply, ResponseHead } from '../exchange/service.ts';
import { Timer, type TimerOwner } from '../io/timer-wheel.ts';
import { Endpoint } from './endpoint.ts';
import { WaitingRequest } from './outliers/waiting-request.ts';

/**
 * A request that waited for something else for so long, in ms, says nothing about its endpoint when its time is over. One whose caller
 * waits for less does so only where that is still far more than answers take.
 */
const OVERDUE_MS = 1_000;

/** What carries an attempt once it has a connection. */
export interface Carrier {
  pause(): void;
  resume(): void;
  /** Closes the connection without telling the attempt. */
  abandon(): void;
}

/** Where attempts get their connections. */
export interface ConnectionSource {
  /** Gives the attempt a connection to its endpoint, now or later. */
  acquire(attempt: Attempt): void;
  /** The attempt waits no more. */
  leave(attempt: Attempt): void;
  /** The attempt has waited as long as it may. */
  waitedTooLong(attempt: Attempt): void;
}

/** Chooses where attempts go. */
export interface Chooser {
  /** The endpoint for the exchange's next attempt, or why there is none. */
  choose(exchange: Exchange): Endpoint | Failure;
  /** One that it was not sent to yet, and that is of use; null where there is none. */
  chooseOther(exchange: Exchange): Endpoint | null;
}

/** Told of what endpoints make of attempts. */
export interface AttemptWatch {
  /** It is its endpoint's business from now on. */
  onSent(attempt: Attempt): void;
  onHead(attempt: Attempt, status: number): void;
  /** The answer is complete. */
  onWhole(attempt: Attempt): void;
  /** There was no answer, or no whole one, for a reason that lies with the endpoint. */
  onFailure(attempt: Attempt, reason: Failure): void;
  /** It ended for another reason, or waits for something else than its endpoint. */
  onGivenUp(attempt: Attempt): void;
  /** It waited in vain, and is about to be sent to another endpoint. */
  onMoved(attempt: Attempt): void;
  /** It waited, and another attempt of its exchange was answered first. */
  onOutrun(attempt: Attempt): void;
}

/** Nobody looks. */
export const UNWATCHED: AttemptWatch = {
  onSent() {},
  onHead() {},
  onWhole() {},
  onFailure() {},
  onGivenUp() {},
  onMoved() {},
  onOutrun() {},
};

/** One try of an exchange against one endpoint: waits for a connection, is carried by it, ends once. */
export class Attempt extends WaitingRequest implements Call, TimerOwner {
  readonly exchange: Exchange;
  /** May change while it waits: a connection that comes free serves whoever has waited longest. */
  endpoint: Endpoint;
  carrier: Carrier | null = null;
  /** Must not get a connection that carried something before. */
  needsFresh: boolean;
  private readonly reply: Reply;
  private readonly source: ConnectionSource;
  private readonly chooser: Chooser;
  private readonly watch: AttemptWatch;
  private waitTimer: Timer | null = null;
  private hasHead = false;
  /** A limit of the sidecar keeps it from having a connection. */
  private isQueued = false;
  /** Whether it is noted what it came to. */
  private isNoted = false;
  private ended = false;

  constructor(
    exchange: Exchange,
    reply: Reply,
    endpoint: Endpoint,
    source: ConnectionSource,
    chooser: Chooser,
    watch = UNWATCHED,
  ) {
    super();
    this.exchange = exchange;
    this.reply = reply;
    this.endpoint = endpoint;
    this.source = source;
    this.chooser = chooser;
    this.watch = watch;
    this.needsFresh = exchange.head.method === 'CONNECT';
    exchange.attempts++;
    exchange.tried.push(endpoint);
    endpoint.attempts++;
    endpoint.outstanding++;
    watch.onSent(this);
  }

  get waitsSince(): number {
    const { body } = this.exchange;
    if (body === null) return this.sentAt;
    return body.isComplete ? Math.max(this.sentAt, body.completedAt) : Number.POSITIVE_INFINITY;
  }

  get isEnded(): boolean {
    return this.ended;
  }

  /** Whether a connection to `endpoint` that has carried others can carry it while it waits. */
  canUse(endpoint: Endpoint): boolean {
    if (this.needsFresh) return false;
    const isOfUse = endpoint.weight > 0 && !endpoint.ejection.isOut;
    return this.endpoint === endpoint || (isOfUse && !this.exchange.tried.includes(endpoint));
  }

  /** Moves a waiting attempt to the endpoint whose connection came free. */
  moveTo(endpoint: Endpoint): void {
    if (endpoint === this.endpoint) return;
    this.watch.onGivenUp(this);
    this.endpoint.outstanding--;
    this.endpoint.attempts--;
    endpoint.outstanding++;
    endpoint.attempts++;
    const { tried } = this.exchange;
    tried[tried.lastIndexOf(this.endpoint)] = endpoint;
    this.endpoint = endpoint;
    this.watch.onSent(this);
  }

  /** It waits for a connection to come free: that is no endpoint's fault. */
  noteQueued(): void {
    this.isQueued = true;
    this.watch.onGivenUp(this);
  }

  /** It has a connection. */
  noteCarried(carrier: Carrier): void {
    this.carrier = carrier;
    this.isQueued = false;
    if (!this.isListed) this.watch.onSent(this);
  }

  /**
   * Its endpoint does not answer: it is sent to another, if that is the same as sending it once, and if there is one. Like a
   * connection that was closed under it, this is not another attempt to those above.
   * @returns whether it is
   */
  moveAway(): boolean {
    const { exchange, endpoint } = this;
    const isUntouched = !this.ended && !this.hasHead;
    if (!isUntouched || !exchange.isIdempotent || !exchange.isReplayable) return false;
    const other = this.chooser.chooseOther(exchange);
    if (other === null) return false;
    if (this.carrier === null) this.source.leave(this);
    else this.carrier.abandon();
    this.carrier = null;
    this.watch.onMoved(this);
    exchange.noteEnd(endpoint, 'moved');
    endpoint.failures++;
    endpoint.outstanding--;
    this.endpoint = other;
    other.attempts++;
    other.outstanding++;
    exchange.moves++;
    exchange.tried.push(other);
    this.watch.onSent(this);
    this.source.acquire(this);
    return true;
  }

  /** Its endpoint has left before it reached anybody: chooses anew. @returns whether there is another; without one it has failed */
  moveOn(): boolean {
    const other = this.chooser.choose(this.exchange);
    if (other instanceof Endpoint) this.moveTo(other);
    else this.fail(other);
    return other instanceof Endpoint;
  }

  /** The timer that bounds the wait for a connection. */
  get timer(): Timer {
    this.waitTimer ??= new Timer(this);
    return this.waitTimer;
  }

  onTimer(): void {
    this.source.waitedTooLong(this);
  }

  pause(): void {
    this.carrier?.pause();
  }

  resume(): void {
    this.carrier?.resume();
  }

  cancel(failure: Failure): void {
    if (this.ended) return;
    if (this.carrier === null) this.source.leave(this);
    else this.carrier.abandon();
    if (this.isOverdue(failure)) {
      this.noteHeard();
      this.endpoint.failures++;
      this.watch.onFailure(this, failure);
    } else if (failure === OUTRUN && !this.hasHead) {
      this.watch.onOutrun(this);
    } else {
      this.watch.onGivenUp(this);
    }
    this.note(failure === OUTRUN ? 'outrun' : failure.kind);
    this.finish();
    this.reply.fail(failure);
  }

  informational(head: ResponseHead): void {
    this.reply.informational(head);
  }

  head(head: ResponseHead): void {
    if (head.status >= 500) this.endpoint.failures++;
    this.hasHead = true;
    this.noteHeard();
    this.watch.onHead(this, head.status);
    const { ends, attempts } = this.exchange;
    if (head.status >= 400 || attempts > 1 || ends !== null) this.note(head.status);
    this.reply.head(head);
  }

  data(chunk: Buffer): void {
    this.reply.data(chunk);
  }

  flush(): void {
    this.reply.flush();
  }

  end(trailers: Fields | null): void {
    if (this.ended) return;
    if (!this.hasFailed) this.watch.onWhole(this);
    this.finish();
    this.reply.end(trailers);
  }

  fail(failure: Failure): void {
    this.failFor(failure, FAILURES[failure.kind].blamesEndpoint);
  }

  /** @param blamesEndpoint false: the reason lies with the sidecar, whatever its kind */
  failFor(failure: Failure, blamesEndpoint: boolean): void {
    if (this.ended) return;
    this.noteHeard();
    if (blamesEndpoint) {
      this.endpoint.failures++;
      this.watch.onFailure(this, failure);
    } else {
      this.watch.onGivenUp(this);
    }
    this.note(failure.kind);
    this.finish();
    this.reply.fail(failure);
  }

  private note(cameTo: AttemptEnd): void {
    if (this.isNoted) return;
    this.isNoted = true;
    this.exchange.noteEnd(this.endpoint, cameTo);
  }

  /**
   * Whether it is cancelled because its endpoint has not answered in time: its own timeout has passed, or that of the whole request,
   * most of which it was the endpoint's business. A caller in a hurry says nothing about the endpoint.
   */
  private isOverdue({ kind }: Failure): boolean {
    if (this.hasHead || this.isQueued) return false;
    if (kind === 'attempt-timeout') return true;
    if (kind !== 'deadline' || !this.isListed) return false;
    const { begunAt, callerDeadline } = this.exchange;
    const enough = Math.min(this.endpoint.health.slowLimit, OVERDUE_MS);
    return this.sentAt - begunAt < OVERDUE_MS && callerDeadline - this.waitsSince >= enough;
  }

  /** It is the exchange's current attempt, if it was not. */
  private noteHeard(): void {
    const { tried } = this.exchange;
    if (tried[tried.length - 1] === this.endpoint) return;
    tried.splice(tried.lastIndexOf(this.endpoint), 1);
    tried.push(this.endpoint);
  }

  private finish(): void {
    this.ended = true;
    this.carrier = null;
    this.endpoint.outstanding--;
  }
}
