import type { Exchange } from '../exchange/exchange.ts';
import { failure } from '../exchange/failure.ts';
import { getField } from '../exchange/fields.ts';
import { type Call, ENDED_CALL, type Layer, type Reply, type Service } from '../exchange/service.ts';
import type { TimerWheel } from '../io/timer-wheel.ts';
import type { KeyedBuckets } from './token-bucket.ts';

interface RateLimitOptions {
  readonly buckets: KeyedBuckets;
  /** The field whose value has a limit of its own, in lower case; null: all requests have one together. */
  readonly header: string | null;
  /** For the person who reads the failure. */
  readonly upstream: string;
  readonly wheel: TimerWheel;
}

/** Characters of a value that count: longer ones are told apart by their beginning, so that what is remembered stays small. */
const KEY_LENGTH = 128;

/** Refuses requests beyond a rate, before anything is done for them. */
export function rateLimitLayer(options: RateLimitOptions): Layer {
  return next => new RateLimitService(next, options);
}

class RateLimitService implements Service {
  private readonly next: Service;
  private readonly options: RateLimitOptions;

  constructor(next: Service, options: RateLimitOptions) {
    this.next = next;
    this.options = options;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const { buckets, header, upstream } = this.options;
    const key = header === null ? '' : (getField(exchange.head.fields, header) ?? '').slice(0, KEY_LENGTH);
    const retryAfterMs = buckets.take(key, this.options.wheel.now());
    if (retryAfterMs === 0) return this.next.call(exchange, reply);
    const whose = header === null ? '' : ` with this ${header}`;
    const detail = `There are too many requests${whose} for ${upstream} (rateLimit). The next one is let through in ${Math.ceil(retryAfterMs)} ms.`;
    reply.fail({ ...failure('rate-limited', detail, true), retryAfterMs });
    return ENDED_CALL;
  }
}
