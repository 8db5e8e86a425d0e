import type { Exchange } from '../exchange/exchange.ts';
import type { Failure } from '../exchange/failure.ts';
import { type Call, ENDED_CALL, type Reply, type Service } from '../exchange/service.ts';

/** Fails every exchange in the same way: where a request that leads nowhere is sent, so that it is counted and logged like all others. */
export class FailingService implements Service {
  private readonly reason: (exchange: Exchange) => Failure;

  constructor(reason: (exchange: Exchange) => Failure) {
    this.reason = reason;
  }

  call(exchange: Exchange, reply: Reply): Call {
    reply.fail(this.reason(exchange));
    return ENDED_CALL;
  }
}
