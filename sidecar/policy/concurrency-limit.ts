import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import type { Fields } from '../exchange/fields.ts';
import {
  type Call,
  ENDED_CALL,
  type Layer,
  PassReply,
  type Reply,
  type Service,
} from '../exchange/service.ts';

/** How many requests are under way to an upstream, and how many may be (a bulkhead). */
export class ConcurrencyLimit {
  /** 1 and more. */
  max: number;
  inFlight = 0;

  constructor(max: number) {
    this.max = max;
  }
}

/**
 * Refuses, at once, what would be one request too many. Around the retries: a request that is tried again, or waits to be, keeps the
 * place that it has.
 */
export function concurrencyLayer(
  limit: ConcurrencyLimit,
  upstream: string,
  counters: { overflowed: number },
): Layer {
  return next => new LimitedService(next, limit, upstream, counters);
}

class LimitedService implements Service {
  private readonly next: Service;
  private readonly limit: ConcurrencyLimit;
  private readonly upstream: string;
  private readonly counters: { overflowed: number };

  constructor(next: Service, limit: ConcurrencyLimit, upstream: string, counters: { overflowed: number }) {
    this.next = next;
    this.limit = limit;
    this.upstream = upstream;
    this.counters = counters;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const { limit, upstream, counters } = this;
    if (limit.inFlight >= limit.max) {
      counters.overflowed++;
      const detail = `All ${limit.max} requests that may be under way to ${upstream} at once are (limits.concurrency).`;
      reply.fail(failure('overflow', detail, true));
      return ENDED_CALL;
    }
    limit.inFlight++;
    return this.next.call(exchange, new LimitedReply(reply, limit));
  }
}

class LimitedReply extends PassReply {
  private readonly limit: ConcurrencyLimit;

  constructor(reply: Reply, limit: ConcurrencyLimit) {
    super(reply);
    this.limit = limit;
  }

  override end(trailers: Fields | null): void {
    this.limit.inFlight--;
    this.reply.end(trailers);
  }

  override fail(reason: Failure): void {
    this.limit.inFlight--;
    this.reply.fail(reason);
  }
}
