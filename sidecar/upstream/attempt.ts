import type { Exchange } from '../exchange/exchange.ts';
import { FAILURES, type Failure } from '../exchange/failure.ts';
import type { Fields } from '../exchange/fields.ts';
import type { Call, Reply, ResponseHead } from '../exchange/service.ts';
import { Timer, type TimerOwner } from '../io/timer-wheel.ts';
import { Endpoint } from './endpoint.ts';

/** What carries an attempt once it has a connection. */
export interface Carrier {
  pause(): void;
  resume(): void;
  /** Closes the connection without telling the attempt. */
  abandon(): void;
}

/** Where an attempt waits while it has no connection. */
export interface WaitingRoom {
  /** The attempt waits no more. */
  leave(attempt: Attempt): void;
  /** The attempt has waited as long as it may. */
  waitedTooLong(attempt: Attempt): void;
}

/** Chooses where attempts go. */
export interface Chooser {
  /** The endpoint for the exchange's next attempt, or why there is none. */
  choose(exchange: Exchange): Endpoint | Failure;
}

/** One try of an exchange against one endpoint: waits for a connection, is carried by it, ends once. */
export class Attempt implements Call, TimerOwner {
  readonly exchange: Exchange;
  /** May change while it waits: a connection that comes free serves whoever has waited longest. */
  endpoint: Endpoint;
  carrier: Carrier | null = null;
  /** Must not get a connection that carried something before. */
  needsFresh: boolean;
  private readonly reply: Reply;
  private readonly room: WaitingRoom;
  private readonly chooser: Chooser;
  private waitTimer: Timer | null = null;
  private ended = false;

  constructor(exchange: Exchange, reply: Reply, endpoint: Endpoint, room: WaitingRoom, chooser: Chooser) {
    this.exchange = exchange;
    this.reply = reply;
    this.endpoint = endpoint;
    this.room = room;
    this.chooser = chooser;
    this.needsFresh = exchange.head.method === 'CONNECT';
    exchange.attempts++;
    exchange.tried.push(endpoint);
    endpoint.attempts++;
    endpoint.outstanding++;
  }

  get isEnded(): boolean {
    return this.ended;
  }

  /** Moves a waiting attempt to the endpoint whose connection came free. */
  moveTo(endpoint: Endpoint): void {
    if (endpoint === this.endpoint) return;
    this.endpoint.outstanding--;
    this.endpoint.attempts--;
    endpoint.outstanding++;
    endpoint.attempts++;
    this.endpoint = endpoint;
    this.exchange.tried[this.exchange.tried.length - 1] = endpoint;
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
    this.room.waitedTooLong(this);
  }

  pause(): void {
    this.carrier?.pause();
  }

  resume(): void {
    this.carrier?.resume();
  }

  cancel(failure: Failure): void {
    if (this.ended) return;
    if (this.carrier === null) this.room.leave(this);
    else this.carrier.abandon();
    this.finish();
    this.reply.fail(failure);
  }

  informational(head: ResponseHead): void {
    this.reply.informational(head);
  }

  head(head: ResponseHead): void {
    if (head.status >= 500) this.endpoint.failures++;
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
    this.finish();
    this.reply.end(trailers);
  }

  fail(failure: Failure): void {
    if (this.ended) return;
    if (FAILURES[failure.kind].blamesEndpoint) this.endpoint.failures++;
    this.finish();
    this.reply.fail(failure);
  }

  private finish(): void {
    this.ended = true;
    this.carrier = null;
    this.endpoint.outstanding--;
  }
}
