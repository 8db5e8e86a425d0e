import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import type { Call, Reply, Service } from '../exchange/service.ts';
import { WaitingCall } from '../exchange/waiting-call.ts';

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
  private readonly failing: (reason: Failure) => Service;

  /** @param failing makes what fails a request that is not answered at all, so that it is counted and logged like others */
  constructor(question: Question, routeAgain: () => Service, failing: (reason: Failure) => Service) {
    this.question = question;
    this.routeAgain = routeAgain;
    this.failing = failing;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const call = new AskedCall(exchange, reply, this.question, this.routeAgain, this.failing);
    if (this.question.enter(call)) return call;
    const { name } = this.question;
    const detail = `Too many requests wait for the control plane to say whether ${name} is a service.`;
    return this.failing(failure('overflow', detail, true)).call(exchange, reply);
  }
}

class AskedCall extends WaitingCall implements Asker {
  private readonly question: Question;
  private readonly routeAgain: () => Service;
  private readonly failing: (reason: Failure) => Service;

  constructor(
    exchange: Exchange,
    reply: Reply,
    question: Question,
    routeAgain: () => Service,
    failing: (reason: Failure) => Service,
  ) {
    super(exchange, reply);
    this.question = question;
    this.routeAgain = routeAgain;
    this.failing = failing;
  }

  onAnswer(): void {
    this.goOn(this.routeAgain());
  }

  protected override failed(reason: Failure): void {
    this.failing(reason).call(this.exchange, this.reply);
  }

  protected override leave(): void {
    this.question.leave(this);
  }
}
