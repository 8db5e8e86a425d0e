import type { Policy } from '../../control-plane/contract/policy.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Fields } from '../exchange/fields.ts';
import { ownHead } from '../exchange/own-head.ts';
import type { ResponseHead } from '../exchange/service.ts';

type StaticSettings = NonNullable<NonNullable<Policy['fallback']>['static']>;

/** The answer that a policy has for what an upstream does not answer. */
export class StaticAnswer {
  readonly body: Buffer;
  private readonly status: number;
  private readonly fields: Fields;
  /** Neither has a body, and 204 no length (RFC 9110 section 8.6). */
  private readonly isBodiless: boolean;
  private readonly methods: StaticSettings['methods'];

  constructor({ methods, status, headers, body }: StaticSettings) {
    this.methods = methods;
    this.status = status;
    this.isBodiless = status === 204 || status === 304;
    this.body = Buffer.from(this.isBodiless ? '' : (body ?? ''));
    this.fields = Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
    if (this.body.length > 0 && headers['content-type'] === undefined)
      this.fields.push('content-type', 'text/plain; charset=utf-8');
    if (!this.isBodiless) this.fields.push('content-length', String(this.body.length));
  }

  /** Whether the request gets it. */
  isFor(exchange: Exchange): boolean {
    return this.methods === 'all' || exchange.isSafe;
  }

  /** @param more fields to add @param isHead whether it is for a HEAD */
  head(more: readonly string[], isHead: boolean): ResponseHead {
    return ownHead(this.status, [...this.fields, ...more], isHead ? 0 : this.body.length);
  }
}
