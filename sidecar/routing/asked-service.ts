import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import { type Call, ENDED_CALL, type Reply, type Service } from '../exchange/service.ts';

/** Whether a host is a service of the mesh: asked, and not answered yet. */
export interface Question {
  readonly name: string;
  /** @returns false where too many wait for the answer already */
  enter(asker: Asker): boolean;
  leave(asker: Asker): void;
}

/** Told when there is an answer, or when there will be none. */
export interface Asker {
  onAnswer(): void;
}

/** Where a request goes whose host may be a service: it waits for the answer and is then routed anew. */
export class AskedService implements Service {
  private readonly question: Question;
  private readonly routeAgain: () => Service;

  constructor(question: Question, routeAgain: () => Service) {
    this.question = question;
    this.routeAgain = routeAgain;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const call = new AskedCall(exchange, reply, this.question, this.routeAgain);
    if (this.question.enter(call)) return call;
    const { name } = this.question;
    const detail = `too many requests wait for the control plane to say whether ${name} is a service`;
    reply.fail(failure('overflow', detail, true));
    return ENDED_CALL;
  }
}

class AskedCall implements Call, Asker {
  private readonly exchange: Exchange;
  private readonly reply: Reply;
  private readonly question: Question;
  private readonly routeAgain: () => Service;
  /** Null while it waits. */
  private inner: Call | null = null;
  private isPaused = false;

  constructor(exchange: Exchange, reply: Reply, question: Question, routeAgain: () => Service) {
    this.exchange = exchange;
    this.reply = reply;
    this.question = question;
    this.routeAgain = routeAgain;
  }

  onAnswer(): void {
    this.inner = ENDED_CALL;
    const call = this.routeAgain().call(this.exchange, this.reply);
    this.inner = call;
    if (this.isPaused) call.pause();
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
    if (this.inner !== null) return this.inner.cancel(reason);
    this.inner = ENDED_CALL;
    this.question.leave(this);
    this.reply.fail(reason);
  }
}
